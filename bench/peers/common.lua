-- What every peer's configuration begins with: nothing that one could profit or suffer from.
local M = {
  root = vim.env.BENCH_ROOT,
  python = vim.env.BENCH_PYTHON,
}
M.agent = { M.python, M.root .. '/agent.py' }

vim.o.swapfile = false
vim.o.shada = ''
vim.o.termguicolors = true
vim.o.laststatus = 2
vim.o.undofile = false
vim.g.loaded_netrwPlugin = 1

_G.BENCH_NOTES = {}
---@diagnostic disable-next-line: duplicate-set-field
vim.notify = function(message)
  if #_G.BENCH_NOTES < 50 then
    table.insert(_G.BENCH_NOTES, tostring(message):sub(1, 300))
  end
end

-- All that the driver knows of a peer, which fills this in; sessions are numbered from 0, which is the shown one:
--   open()              opens the transcript, in whatever window
--   beside()            starts one more session that nobody sees
--   board()             shows the list of all sessions, if there is one
--   ready()             whether prompts can be sent
--   send(text, number)  sends one
--   buf()               the shown transcript's buffer
--   settled()           whether the peer itself thinks that all turns are over
--   text(number)        the agent's text, if the buffer need not have all of it
_G.Bench = {}
return M
