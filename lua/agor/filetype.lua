-- Gives our buffers their filetype. A user's autocommand for one may throw: the user is told, and sees the buffer all the same.

local M = {}

---@param buf integer
---@param name string
function M.set(buf, name)
  local ok, err = pcall(vim.api.nvim_set_option_value, 'filetype', name, { buf = buf })
  if not ok then
    M.failed(name, err)
  end
end

---@param name string
---@param err any
function M.failed(name, err)
  local message = require('agor.message')
  local text = 'an autocommand for the filetype %s has failed: %s'
  message.once('filetype ' .. name, text:format(name, message.line(err)))
end

return M
