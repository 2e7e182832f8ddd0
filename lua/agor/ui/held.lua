--- Why prompts that wait do not go on, in words.

local M = {}

local WHY = {
  interrupted = 'turn interrupted',
  failed = 'turn failed',
  ended = 'agent ended',
  restored = 'from before a restart',
  asked = 'put back',
}

---@param session agor.Row
---@return string? nil where they go on by themselves
function M.why(session)
  return session.held and (WHY[session.held] or session.held) or nil
end

return M
