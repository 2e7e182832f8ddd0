-- The whole configuration of `make demo`: this plugin and a little comfort.

local root = vim.fn.expand('<sfile>:p:h:h')
vim.opt.runtimepath:prepend(root)
package.path = root .. '/scripts/lua/?.lua;' .. package.path

vim.o.termguicolors = true
vim.o.number = true
vim.o.laststatus = 2
vim.o.swapfile = false
vim.o.shada = ''
vim.o.autoread = true
vim.g.mapleader = ' '

vim.keymap.set('n', '<leader>a', '<Plug>(agor-toggle)', { desc = 'agor: the pane' })
vim.keymap.set({ 'n', 'x' }, '<leader>s', '<Plug>(agor-send)', { desc = 'agor: send' })
vim.keymap.set('n', '<leader>p', '<Plug>(agor-permit)', { desc = 'agor: the oldest question' })

if not vim.tbl_contains(vim.v.argv, '--headless') then
  vim.api.nvim_create_autocmd('VimEnter', {
    once = true,
    callback = function()
      -- The first screen is drawn before anything starts.
      vim.schedule(function()
        require('demo').start()
      end)
    end,
  })
end
