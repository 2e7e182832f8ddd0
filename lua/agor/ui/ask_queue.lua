--- The questions that wait, in order of arrival over all sessions, and those that were answered here and are not yet said to
--- be settled by the backend. Knows no windows.

local M = {}

-- Questions outlive a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}
kept.ui.ask = kept.ui.ask or { queue = {} }
kept.ui.ask.answered = kept.ui.ask.answered or {}

---@type agor.AskItem[] the oldest first
M.items = kept.ui.ask.queue

---@type agor.AskItem[]
local answered = kept.ui.ask.answered

---@param item agor.AskItem
---@return integer?
function M.place_of(item)
  for i, other in ipairs(M.items) do
    if other == item then
      return i
    end
  end
end

---@param session_id string
---@param request_id string
---@return agor.AskItem?
function M.find(session_id, request_id)
  for _, item in ipairs(M.items) do
    if item.session_id == session_id and item.request_id == request_id then
      return item
    end
  end
end

--- The oldest that the user has not put off.
---@return agor.AskItem?
function M.next()
  for _, item in ipairs(M.items) do
    if not item.postponed then
      return item
    end
  end
end

---@param item agor.AskItem
---@param step integer
---@return agor.AskItem? the one that many places after it, all round; none if it is alone
function M.beside(item, step)
  local at = M.place_of(item)
  if at and #M.items > 1 then
    return M.items[(at - 1 + step) % #M.items + 1]
  end
end

--- It was answered here.
---@param item agor.AskItem
function M.answered(item)
  answered[#answered + 1] = item
end

---@param data { session_id: string, request_id: string }
---@return agor.AskItem? that was answered here
function M.taken_back(data)
  for i, item in ipairs(answered) do
    if item.session_id == data.session_id and item.request_id == data.request_id then
      return table.remove(answered, i)
    end
  end
end

return M
