-- nvim -l ear.lua FILE: a runner of the sidecar protocol that only listens. It notes every query, as it came, in FILE and
-- ends each turn at once.

local heard = assert(io.open(_G.arg[1], 'ab'))

---@param message table
local function say(message)
  io.stdout:write(vim.json.encode(message), '\n')
  io.stdout:flush()
end

say({ type = 'ready', capabilities = { 'multi_turn' } })
for line in io.stdin:lines() do
  local message = vim.json.decode(line)
  if message.type == 'query' then
    heard:write(line, '\n')
    heard:flush()
    say({ type = 'agent_started', sessionId = message.sessionId })
    say({ type = 'agent_stopped', sessionId = message.sessionId })
  elseif message.type == 'stop' then
    break
  end
end
