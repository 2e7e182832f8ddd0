--- The float behind g?.

local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

local T = {}

T['keys that do the same in insert mode stand there once, as people write them'] = test(
  nil,
  function(nvim)
    local merged = nvim:get([[require('agor.ui.help').merged({
    { keys = { '<C-N>', '<Down>' }, desc = 'the next one', mode = 'i' },
    { keys = { '<C-N>', '<Down>', 'j' }, desc = 'the next one', mode = 'n' },
    { keys = { '<CR>' }, desc = 'send', mode = 'n' },
    { keys = { '<C-S>' }, desc = 'send', mode = 'i' },
    { keys = { '<M-s>' }, desc = 'steer', mode = 'i' },
  })]])
    equal(merged, {
      { keys = { '<C-n>', '<Down>', 'j' }, desc = 'the next one', mode = 'n' },
      { keys = { '<CR>' }, desc = 'send', mode = 'n' },
      { keys = { '<C-s>' }, desc = 'send', mode = 'i' },
      { keys = { '<M-s>' }, desc = 'steer', mode = 'i' },
    })
  end
)

T['what is too long for the screen goes on below'] = test(nil, function(nvim)
  nvim:lua([[
    vim.o.columns = 40
    local buf = vim.api.nvim_create_buf(false, true)
    require('agor.ui.keys').attach(buf, { {
      modes = 'n', lhs = 'x', name = 'try', desc = 'take it from the list; its journal stays as it is', run = function() end,
    } })
    require('agor.ui.help').open(buf)
  ]])
  contains(nvim:screen(), 'stays as it is')
  equal(nvim:get('vim.api.nvim_win_get_height(0)'), 2)
end)

return T
