-- An answer to an agent's question, checked against what was asked. Knows the open requests, sends nothing.

local state = require('agor.state')

local M = {}

---@class agor.AnswerOptions
---@field message? string goes to the agent word for word, with a refusal
---@field input? table replaces the tool's input, e.g. by a plan that was edited
---@field answers? table<string, string|string[]> by question: labels of options or free text
---@field cancel? boolean declines to answer
---@field grant? agor.ChosenRule allows or refuses it by one of the rules that were offered

---@class agor.ChosenRule
---@field rule integer from 1, of `grants`, or of `refusals` if it refuses
---@field scope 'turn'|'session'|'project'|'everywhere'
---@field refuse? boolean

---@param asked agor.OpenRequest
---@param option any
---@return string|nil message
local function wrong_option(asked, option)
  local names = {}
  for _, one in ipairs(asked.options or {}) do
    if one.option_id == option then
      return nil
    end
    table.insert(names, one.option_id)
  end
  return ('there is no option %s; the options are %s'):format(
    vim.inspect(option),
    table.concat(names, ', ')
  )
end

---@param asked agor.OpenRequest
---@param answers any
---@return table<string, string[]>|nil
---@return string|nil message
local function check_answers(asked, answers)
  if type(answers) ~= 'table' then
    return nil,
      'a question is answered by opts.answers, a table by question id, or by opts.cancel = true'
  end
  local ids, out = {}, {}
  for _, question in ipairs(asked.questions or {}) do
    table.insert(ids, question.id)
  end
  for id, given in pairs(answers) do
    if not vim.list_contains(ids, id) then
      return nil,
        ('there is no question %s; the questions are %s'):format(
          vim.inspect(id),
          table.concat(ids, ', ')
        )
    end
    given = type(given) == 'string' and { given } or given
    if type(given) ~= 'table' or not vim.islist(given) then
      return nil, ('answers.%s must be a list of texts'):format(id)
    end
    for _, text in ipairs(given) do
      if type(text) ~= 'string' then
        return nil, ('answers.%s must be a list of texts'):format(id)
      end
    end
    out[id] = given
  end
  if next(out) == nil then
    return nil, 'no question is answered; opts.cancel = true declines'
  end
  return out
end

---@param asked agor.OpenRequest
---@param option any
---@param grant any
---@return string|nil message
local function wrong_grant(asked, option, grant)
  local refuse = type(grant) == 'table' and grant.refuse == true
  local grants = refuse and asked.refusals or asked.grants or {}
  local scopes = refuse and asked.refusal_scopes or asked.scopes or {}
  local everywhere = not refuse and type(grant) == 'table' and asked.everywhere or {}
  if vim.list_contains(everywhere, type(grant) == 'table' and grant.rule) then
    scopes = vim.list_extend({ 'everywhere' }, scopes)
  end
  if option ~= nil then
    return 'an option or a grant, not both: the grant chooses what is allowed once'
  elseif type(grant) ~= 'table' then
    return 'opts.grant is a table with rule and scope'
  elseif #grants == 0 then
    return 'this question can only be answered by its own options'
  elseif type(grant.rule) ~= 'number' or not grants[grant.rule] then
    return ('opts.grant.rule is a number from 1 to %d'):format(#grants)
  elseif not vim.list_contains(scopes, grant.scope) then
    return ('opts.grant.scope is one of %s'):format(table.concat(scopes, ', '))
  end
end

---@param session string
---@param request any
---@param option any
---@param opts agor.AnswerOptions
---@return table|nil params for the backend
---@return string|nil message
function M.check(session, request, option, opts)
  local asked = type(request) == 'string' and (state.requests[session] or {})[request] or nil
  if not asked then
    return nil, ('session %s has no open question %s'):format(session, tostring(request))
  elseif asked.answered then
    return nil, ('the question %s of session %s is answered already'):format(request, session)
  elseif type(opts) ~= 'table' then
    return nil, 'answer() takes a table of options'
  end
  if opts.message ~= nil and type(opts.message) ~= 'string' then
    return nil, 'opts.message must be a string'
  end
  local params = { session_id = session, request_id = request }
  if opts.cancel then
    params.cancel = true
    return params
  end
  if asked.kind == 'question' then
    local answers, wrong = check_answers(asked, opts.answers)
    if not answers then
      return nil, wrong
    end
    params.answers = answers
    return params
  end
  if opts.grant ~= nil then
    local wrong = wrong_grant(asked, option, opts.grant)
    if wrong then
      return nil, wrong
    end
    params.rule, params.scope = opts.grant.rule, opts.grant.scope
    params.refuse = opts.grant.refuse == true or nil
    return params
  end
  local wrong = wrong_option(asked, option)
  if wrong then
    return nil, wrong
  end
  params.option_id, params.message, params.input = option, opts.message, opts.input
  return params
end

return M
