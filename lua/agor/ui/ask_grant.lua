--- Allowing or refusing something for longer than once: by which rules, for how long, as choices of a question, and what
--- each rule would be about. Knows words and choices; what a rule holds for is the backend's business.

local M = {}

local SCOPES = { turn = 'this turn', session = 'this session', everywhere = 'always, everywhere' }

--- What a rule is about, by examples.
---@class agor.RuleExamples
---@field [1] string[] what fits it
---@field [2] string[] what does not

--- How many earlier requests of the project each rule would have been about.
---@class agor.Weighed
---@field grants integer[]
---@field refusals integer[]
---@field of integer

---@param item agor.AskItem
---@return boolean something can be allowed for longer
function M.offered(item)
  return #(item.grants or {}) > 0 and #(item.scopes or {}) > 0
end

---@param item agor.AskItem
---@return boolean something can be refused for longer
function M.refusable(item)
  return #(item.refusals or {}) > 0 and #(item.refusal_scopes or {}) > 0
end

--- The rows under the agent's own options.
---@param item agor.AskItem
---@return agor.Choice[]
function M.rows(item)
  local more = require('agor.ui.icons').get().more
  local out = {}
  if M.offered(item) then
    out[1] = { label = 'Allow for longer ' .. more, key = 'a', longer = 'allow' }
  end
  if M.refusable(item) then
    out[#out + 1] = { label = 'Refuse for longer ' .. more, key = 'n', longer = 'refuse' }
  end
  return out
end

---@param item agor.AskItem
---@param scope string
---@return string
local function how_long(item, scope)
  local project = require('agor.ui.cells').clean(vim.fs.basename(item.project or ''))
  return SCOPES[scope] or ('always in %s'):format(project)
end

---@param item agor.AskItem
---@return string[] rules
---@return fun(rule: integer): string[] scopes
local function offers(item)
  if item.granting == 'refuse' then
    return item.refusals or {}, function()
      return item.refusal_scopes or {}
    end
  end
  return item.grants or {},
    function(rule)
      local scopes = vim.list_extend({}, item.scopes or {})
      if vim.list_contains(item.everywhere or {}, rule) then
        table.insert(scopes, 'everywhere')
      end
      return scopes
    end
end

--- Each rule for each time, the narrowest first.
---@param item agor.AskItem
---@return agor.Choice[]
function M.choices(item)
  local out = {}
  local rules, scopes = offers(item)
  local refuse = item.granting == 'refuse' or nil
  for rule, words in ipairs(rules) do
    for _, scope in ipairs(scopes(rule)) do
      out[#out + 1] = {
        label = ('%s: %s%s'):format(how_long(item, scope), refuse and 'refuse ' or '', words),
        grant = { rule = rule, scope = scope, refuse = refuse },
      }
    end
  end
  return out
end

--- What each rule is about, to be read before one is chosen: pieces of text with their groups, line by line.
---@param item agor.AskItem
---@return string[][][]
function M.about(item)
  local refuse = item.granting == 'refuse'
  local rules = refuse and item.refusals or item.grants or {}
  local examples = refuse and item.of_refusals or item.examples or {}
  local weighed = item.weighed and (refuse and item.weighed.refusals or item.weighed.grants) or {}
  local out = {}
  for i, words in ipairs(rules) do
    out[#out + 1] =
      { { ' ' }, { refuse and 'Refuses ' or 'Allows ', 'AgorDim' }, { words, 'AgorBold' } }
    local these, others = unpack(examples[i] or {})
    -- One that is about a single thing has named it already.
    local said = #(these or {}) == 1 and vim.endswith(words, these[1])
    if #(these or {}) > 0 and not said then
      out[#out + 1] = { { '   such as  ', 'AgorDim' }, { table.concat(these, ', ') } }
    end
    if #(others or {}) > 0 then
      out[#out + 1] = { { '   but not  ', 'AgorDim' }, { table.concat(others, ', ') } }
    end
    local of = item.weighed and item.weighed.of or 0
    if weighed[i] and of > 0 then
      local text = ('   fits %d of the %d earlier requests in this project'):format(weighed[i], of)
      out[#out + 1] = { { text, 'AgorDim' } }
    end
  end
  return out
end

--- Asks how much each rule would have been about.
---@param item agor.AskItem
---@param shown fun(): agor.AskItem?
---@param done fun() it is known, and still wanted
function M.weigh(item, shown, done)
  local params = { session_id = item.session_id, request_id = item.request_id }
  require('agor.rpc').notify('weigh', params, function(err, weighed)
    if not err and type(weighed) == 'table' and item.granting and shown() == item then
      item.weighed = weighed
      done()
    end
  end)
end

return M
