-- Installs the backend as :Agor install does, in a Neovim without a screen, and fails if it had to be built or does not run.

local binary = require('agor.binary')
local install = require('agor.install')

local failed, path, instead, over
install.run({
  root = require('agor.provider').plugin_root(),
  version = binary.version,
  protocol = binary.protocol,
  releases = vim.env.AGOR_RELEASES or install.releases,
  uname = vim.uv.os_uname(),
}, function(text)
  io.stderr:write(text, '\n')
end, function(...)
  failed, path, instead = ...
  over = true
end)
vim.wait(600 * 1000, function()
  return over
end, 50)
local wrong = not over and 'it took longer than ten minutes' or failed or instead
io.stderr:write(wrong and ('failed: ' .. wrong) or ('installed: ' .. path), '\n')
vim.cmd(wrong and 'cquit' or 'quit')
