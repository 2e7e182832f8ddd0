--- One question that waits for the user, as a value: its choices, the state of the answers, and what each key means.
---
--- Knows no windows. Every function returns what is to be done and does nothing itself.

local M = {}

---@class agor.Choice
---@field label string
---@field description string?
---@field option_id string?
---@field kind string?
---@field other boolean? free text
---@field key string? the key that chooses it, in place of a digit
---@field longer 'allow'|'refuse'? leads to what can be allowed or refused for longer
---@field grant { rule: integer, scope: string, refuse: boolean? }?

---@class agor.AskItem
---@field session_id string
---@field request_id string
---@field kind 'permission'|'question'
---@field tool string empty for a question, as is the title
---@field title string
---@field reason string?
---@field input table?
---@field lines string[]
---@field marks any[]
---@field cut boolean there is more than its lines
---@field outside string[] paths in it that lie outside the project
---@field options table[]?
---@field questions table[]?
---@field url string? a page that the agent wants opened: the first option says yes
---@field opened boolean? the page was opened already
---@field step integer which of the questions
---@field at integer the selected choice
---@field marked table<integer, boolean>
---@field other string? free text that is marked, where several may be chosen
---@field answers table<string, string[]>
---@field grants string[]? what it can be allowed by for longer, in words
---@field scopes string[]? for how long
---@field examples agor.RuleExamples[]? for each of them
---@field everywhere integer[]? those of them that can hold everywhere
---@field refusals string[]? what it can be refused by for longer, in words
---@field of_refusals agor.RuleExamples[]?
---@field refusal_scopes string[]?
---@field weighed agor.Weighed?
---@field project string? what `project` of the scopes means
---@field note string? why it is asked, if a rule of the user's wants that
---@field granting 'allow'|'refuse'? that is what is chosen from now
---@field ours boolean? asked by agor, before the agent starts
---@field postponed boolean?

---@class agor.AskAction
---@field answer table? opts of `answer()`
---@field option string?
---@field input (fun(text: string): agor.AskAction?)?
---@field prompt string?
---@field default string?
---@field secret boolean?
---@field edit boolean?
---@field open string? the address of a page
---@field changed boolean? the choices are others now
---@field weigh boolean? how much each rule would be about is wanted

---@param data table
---@return agor.AskItem
local function base(data, kind)
  return {
    session_id = data.session_id,
    request_id = data.request_id,
    kind = kind,
    tool = '',
    title = '',
    lines = data.lines or {},
    marks = data.marks or {},
    cut = data.cut == true,
    outside = {},
    step = 1,
    at = 1,
    marked = {},
    answers = {},
  }
end

local function value(v)
  if v == vim.NIL then
    return nil
  end
  return v
end

---@param data table
---@return agor.AskItem
function M.permission(data)
  local item = base(data, 'permission')
  item.tool = value(data.tool) or ''
  item.title = value(data.title) or ''
  item.reason = value(data.reason)
  item.outside = value(data.outside) or {}
  item.input = value(data.input)
  item.options = data.options or {}
  item.grants, item.scopes, item.project = data.grants, data.scopes, data.project
  item.examples, item.everywhere = data.examples, data.everywhere
  item.refusals, item.refusal_scopes = data.refusals, data.refusal_scopes
  item.of_refusals, item.note = data.of_refusals, value(data.note)
  item.ours = data.ours == true
  -- Agents put them in any order: a <CR> out of habit is to allow no more than this once, and nothing that lasts.
  local habit = item.ours and 'reject_once' or 'allow_once'
  for i, option in ipairs(item.options) do
    if option.kind == habit then
      item.at = i
      -- Of ours the last one is that nothing starts.
      if not item.ours then
        break
      end
    end
  end
  if item.tool == 'plan' and #item.lines == 0 and type(item.input) == 'table' then
    item.lines = vim.split(item.input.plan or '', '\n', { plain = true })
  end
  return item
end

---@param data table
---@return agor.AskItem
function M.question(data)
  local item = base(data, 'question')
  item.questions = data.questions or {}
  item.url = value(data.url)
  return item
end

---@param item agor.AskItem
---@return table? question that is being asked now
function M.current(item)
  return item.questions and item.questions[item.step]
end

--- What can be chosen now, in the order shown.
---@param item agor.AskItem
---@return agor.Choice[]
function M.choices(item)
  local out = {}
  if item.granting then
    return require('agor.ui.ask_grant').choices(item)
  end
  if item.kind == 'permission' then
    for _, option in ipairs(item.options or {}) do
      out[#out + 1] = { label = option.name, option_id = option.option_id, kind = option.kind }
    end
    return vim.list_extend(out, require('agor.ui.ask_grant').rows(item))
  end
  local question = M.current(item)
  if not question then
    return out
  end
  for _, option in ipairs(question.options or {}) do
    local description = value(option.description)
    -- The address is shown once, whole, where it is not cut.
    description = description ~= item.url and description or nil
    out[#out + 1] = { label = option.label, description = description }
  end
  if question.allow_other or #out == 0 then
    out[#out + 1] = { label = #out == 0 and 'Type an answer' or 'Something else', other = true }
  end
  return out
end

--- How many are chosen by their number.
---@param item agor.AskItem
---@return integer
function M.count(item)
  local count = 0
  for _, choice in ipairs(M.choices(item)) do
    count = count + (choice.longer and 0 or 1)
  end
  return count
end

---@param item agor.AskItem
---@param brief? integer 1: without the directory; 2: without the title too
---@return string who asks; with more than one agent at work, which of them
function M.who(item, brief)
  local mirror = require('agor.mirror')
  local session = mirror.get(item.session_id)
  if not session then
    return item.session_id
  end
  local others = vim.tbl_filter(function(row)
    local lives = row.status == 'running' or row.status == 'idle'
    return lives and row.session_id ~= item.session_id
  end, mirror.list())
  if #others == 0 or brief == 2 then
    return session.provider
  end
  local out = session.provider
  if session.title ~= '' then
    out = ('%s "%s"'):format(out, require('agor.ui.cells').shorten(session.title, 24))
  end
  if brief == 1 then
    return out
  end
  return ('%s (%s)'):format(out, require('agor.ui.bar').directory(session.cwd))
end

-- ------------------------------------------------------------------ answers

---@param item agor.AskItem
---@param labels string[]
---@return agor.AskAction
local function settle(item, labels)
  local question = M.current(item)
  item.answers[question.id] = labels
  if item.step < #item.questions then
    item.step = item.step + 1
    item.at, item.marked, item.other = 1, {}, nil
    return { changed = true }
  end
  local first = question.options and question.options[1]
  local yes = item.url and not item.opened and first and labels[1] == first.label
  return { answer = { answers = item.answers }, open = yes and item.url or nil }
end

--- `o`: the page is opened; whether that was enough, the answer says.
---@param item agor.AskItem
---@return agor.AskAction?
function M.page(item)
  if item.url then
    return { open = item.url }
  end
end

---@param item agor.AskItem
---@return agor.AskAction
local function free_text(item)
  local question = M.current(item)
  local header = question.header ~= '' and question.header or 'Answer'
  return {
    prompt = require('agor.ui.cells').clean(header) .. ': ',
    default = item.other,
    secret = question.secret,
    input = function(text)
      if text == '' then
        return {}
      end
      if question.multi then
        item.other = text
        item.marked[#M.choices(item)] = true
        return {}
      end
      return settle(item, { text })
    end,
  }
end

---@param item agor.AskItem
---@return string[]
local function marked_labels(item)
  local labels = {}
  for i, choice in ipairs(M.choices(item)) do
    if item.marked[i] then
      labels[#labels + 1] = choice.other and item.other or choice.label
    end
  end
  return labels
end

---@param item agor.AskItem
---@param n integer
---@return agor.AskAction?
local function toggle(item, n)
  local choice = M.choices(item)[n]
  item.at = n
  if choice.other and not item.marked[n] then
    return free_text(item)
  end
  item.marked[n] = not item.marked[n] or nil
  return {}
end

--- A digit.
---@param item agor.AskItem
---@param n integer
---@return agor.AskAction?
function M.choose(item, n)
  local choice = M.choices(item)[n]
  if not choice then
    return nil
  end
  if choice.longer then
    return M.longer(item, choice.longer)
  elseif choice.grant then
    return { answer = { grant = choice.grant } }
  elseif item.kind == 'permission' then
    return { answer = {}, option = choice.option_id }
  end
  if M.current(item).multi then
    return toggle(item, n)
  end
  item.at = n
  if choice.other then
    return free_text(item)
  end
  return settle(item, { choice.label })
end

--- `<CR>`.
---@param item agor.AskItem
---@return agor.AskAction?
function M.confirm(item)
  local question = M.current(item)
  if question and question.multi then
    local labels = marked_labels(item)
    if #labels == 0 then
      local choice = M.choices(item)[item.at]
      if choice.other then
        return free_text(item)
      end
      labels = { choice.label }
    end
    return settle(item, labels)
  end
  return M.choose(item, item.at)
end

---@param item agor.AskItem
---@return agor.AskAction?
function M.mark(item)
  local question = M.current(item)
  if question and question.multi then
    return toggle(item, item.at)
  end
end

---@param item agor.AskItem
---@param step integer
---@return agor.AskAction?
function M.move(item, step)
  local count = #M.choices(item)
  if count == 0 then
    return nil
  end
  item.at = (item.at - 1 + step) % count + 1
  return {}
end

---@param item agor.AskItem
---@return agor.AskAction?
function M.back(item)
  if item.granting then
    local from = item.granting
    item.granting = nil
    for i, choice in ipairs(M.choices(item)) do
      item.at = choice.longer == from and i or item.at
    end
    return { changed = true }
  end
  if item.kind ~= 'question' or item.step == 1 then
    return nil
  end
  item.step = item.step - 1
  item.at, item.marked, item.other = 1, {}, nil
  return { changed = true }
end

--- `a` and `n`: what can be allowed, or refused, for longer takes the place of the agent's options, or gives it back.
---@param item agor.AskItem
---@param what 'allow'|'refuse'
---@return agor.AskAction?
function M.longer(item, what)
  local grant = require('agor.ui.ask_grant')
  if item.granting == what then
    return M.back(item)
  elseif item.kind ~= 'permission' then
    return nil
  end
  local can = what == 'allow' and grant.offered(item) or what == 'refuse' and grant.refusable(item)
  if can then
    item.granting, item.at = what, 1
    return { changed = true, weigh = true }
  end
end

---@param item agor.AskItem
---@param kinds string[]
---@return string?
function M.option_of(item, kinds)
  for _, kind in ipairs(kinds) do
    for _, option in ipairs(item.options or {}) do
      if option.kind == kind then
        return option.option_id
      end
    end
  end
end

---@param item agor.AskItem
---@return agor.AskAction?
function M.refuse(item)
  if item.kind == 'question' then
    return { answer = { cancel = true } }
  elseif item.ours then
    return nil -- There is no agent yet that would read why.
  end
  local option = M.option_of(item, { 'reject_once', 'reject_always' })
  return {
    prompt = 'Why not? The agent reads this: ',
    input = function(text)
      -- Word for word; without words it is a refusal still.
      local opts = { message = text ~= '' and text or nil }
      if not option then
        opts.cancel = true
      end
      return { answer = opts, option = option }
    end,
  }
end

---@param item agor.AskItem
---@return agor.AskAction?
function M.edit(item)
  local plan = type(item.input) == 'table' and item.input.plan
  if item.tool == 'plan' and type(plan) == 'string' then
    return { edit = true }
  end
end

return M
