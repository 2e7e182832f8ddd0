-- The time of day, as rows of sessions have it.

local M = {}

---@return integer Unix milliseconds
function M.now()
  local seconds, microseconds = vim.uv.gettimeofday()
  return math.floor(seconds * 1000 + microseconds / 1000)
end

return M
