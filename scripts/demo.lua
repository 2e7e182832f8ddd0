-- The whole configuration of `make demo`: this plugin and a little comfort.

local root = vim.fn.expand('<sfile>:p:h:h')
vim.opt.runtimepath:prepend(root)
package.path = root .. '/scripts/lua/?.lua;' .. package.path

vim.o.termguicolors = true
vim.o.number = true
vim.o.linebreak = true
vim.o.breakindent = true
vim.o.laststatus = 3
vim.o.swapfile = false
vim.o.shada = ''
vim.o.autoread = true
vim.g.mapleader = ' '

vim.keymap.set('n', '<leader>a', '<Plug>(agor-toggle)', { desc = 'agor: the pane' })
vim.keymap.set({ 'n', 'x' }, '<leader>s', '<Plug>(agor-send)', { desc = 'agor: send' })
vim.keymap.set('n', '<leader>p', '<Plug>(agor-permit)', { desc = 'agor: the oldest question' })
vim.keymap.set({ 'n', 'x' }, '<leader>d', '<Plug>(agor-prompt)', { desc = 'agor: the prompt' })
vim.keymap.set('n', '<leader>q', '<Cmd>qall!<CR>', { desc = 'leave' })

-- What to try, for who has just come; it stays for as long as the demo runs.
vim.o.statusline =
  ' Try:  Space s send lines   Space d prompt   Space p answer   Space a pane   Space q leave'

local headless = vim.tbl_contains(vim.v.argv, '--headless')

vim.api.nvim_create_autocmd('VimEnter', {
  once = true,
  callback = function()
    -- Outside of the autocommand: inside, others would not run. The first screen is drawn before anything starts.
    vim.schedule(function()
      local demo = require('demo')
      if headless then
        -- Nobody is there to leave by hand: it ends, whatever happens.
        local ok, message = xpcall(demo.headless, debug.traceback)
        if not ok then
          io.stderr:write(tostring(message), '\n')
          vim.cmd('cquit 1')
        end
      else
        demo.start()
      end
    end)
  end,
})
