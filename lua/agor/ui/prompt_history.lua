--- Going back and forth through the prompts of a project. Knows the place in the history and the draft that was there
--- before; puts nothing on the screen.

local M = {}

---@class agor.Recall
---@field known string[] the history as it was when the first step was taken
---@field at integer the place that is shown
---@field parked string[] the draft

--- What stands a step away.
---@param recall agor.Recall|nil nil: the draft is shown
---@param draft string[]
---@param cwd string|nil whose prompts; all if it is not known
---@param step integer -1 towards older ones
---@return string[]|nil lines nil: there is nothing that way
---@return agor.Recall|nil
function M.step(recall, draft, cwd, step)
  if not recall then
    if step > 0 then
      return nil, nil
    end
    local known = require('agor.ui.drafts').history(cwd)
    recall = { known = known, at = #known + 1, parked = draft }
  end
  local at = recall.at + step
  if at < 1 then
    return nil, recall.at <= #recall.known and recall or nil
  elseif at > #recall.known then
    return recall.parked, nil
  end
  recall.at = at --[[@as integer]]
  return vim.split(recall.known[at], '\n', { plain = true }), recall
end

return M
