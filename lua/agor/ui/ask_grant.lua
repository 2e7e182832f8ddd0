--- Allowing something for longer than once: by which rules, for how long, as choices of a question. Knows words and
--- choices; what a rule holds for is the backend's business.

local M = {}

local SCOPES = { turn = 'this turn', session = 'this session' }

---@param item agor.AskItem
---@return boolean something can be allowed for longer
function M.offered(item)
  return #(item.grants or {}) > 0 and #(item.scopes or {}) > 0
end

--- The row under the agent's own options.
---@param item agor.AskItem
---@return agor.Choice?
function M.row(item)
  if M.offered(item) then
    local more = require('agor.ui.icons').get().more
    return { label = 'Allow for longer ' .. more, key = 'a', longer = true }
  end
end

---@param item agor.AskItem
---@param scope string
---@return string
local function how_long(item, scope)
  local project = require('agor.ui.cells').clean(vim.fs.basename(item.project or ''))
  return SCOPES[scope] or ('always in %s'):format(project)
end

--- Each rule for each time, the narrowest first.
---@param item agor.AskItem
---@return agor.Choice[]
function M.choices(item)
  local out = {}
  for rule, words in ipairs(item.grants or {}) do
    for _, scope in ipairs(item.scopes or {}) do
      out[#out + 1] = {
        label = ('%s: %s'):format(how_long(item, scope), words),
        grant = { rule = rule, scope = scope },
      }
    end
  end
  return out
end

return M
