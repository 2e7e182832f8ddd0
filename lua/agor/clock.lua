-- The time of day, as rows of sessions have it, and a count of milliseconds for whatever takes time: that one never jumps.

local M = {}

---@return integer Unix milliseconds
function M.now()
  local seconds, microseconds = vim.uv.gettimeofday()
  return math.floor(seconds * 1000 + microseconds / 1000)
end

---@return integer milliseconds since some moment
function M.count()
  return math.floor(vim.uv.hrtime() / 1e6)
end

return M
