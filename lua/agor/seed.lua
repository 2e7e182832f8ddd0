-- A new session that is given what was said in another conversation: by whichever agent, since it is told as text. Knows
-- where that is kept; what of it goes along is the backend's business.

local message = require('agor.message')

local M = {}

---A new session of the agent that held the conversation, which brings its transcript along with the first prompt.
---@param row agor.EarlierRow
---@param provider? string another agent
function M.start(row, provider)
  local path = require('agor.earlier').path(row)
  if not path then
    return message.error(
      ('%s keeps this conversation itself and it cannot be read: it can only be taken up'):format(
        row.provider
      )
    )
  end
  local stat = vim.uv.fs_stat(row.cwd)
  local gone = not stat or stat.type ~= 'directory'
  require('agor.launch').start({
    provider = provider or row.provider,
    cwd = not gone and row.cwd or nil,
    seed = { path = path, protocol = row.protocol },
  })
end

return M
