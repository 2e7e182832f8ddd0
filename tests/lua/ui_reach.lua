--- What of a long transcript is painted when it is wanted.

local child = require('support.child')
local test, equal = child.test, child.equal

local T = {}

--- A transcript of 200 lines on screen and under the cursor, with more above.
local function open(nvim, earlier)
  nvim:lua('T.session("s1") require("agor.ui.pane").open("s1")')
  nvim:settle()
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
  nvim:lua(
    [[
    local lines = {}
    for i = 1, 200 do
      lines[i] = 'word number ' .. i
    end
    local transcript = require('agor.ui.transcript')
    local buf = transcript.buffer('s1')
    T.rev = 1
    transcript.apply({ buf = buf, base = 0, rev = 1, earlier = ..., ops = { { 'set', 0, -1, lines } } })
    ]],
    earlier
  )
  nvim:cmd('normal! 150G')
  nvim:settle()
end

local REACHED = '#T.told("reach")'

T['whoever searches or goes to the beginning wants all of it, and is heard once'] = test(
  nil,
  function(nvim)
    open(nvim, 7)
    for _, keys in ipairs({
      '/number 3<CR>',
      '?number 3<CR>',
      ':42<Esc>',
      ':%y<Esc>',
      '*',
      'n',
      'N',
      'g#',
      'gg',
    }) do
      -- As if it had been painted anew.
      nvim:lua(
        'require("agor.ui.reach").told(vim.fn.bufnr("^agor://s1$"), 7, true) T.notified = {}'
      )
      nvim:cmd('normal! 150G')
      nvim:type(keys)
      nvim:settle()
      equal(nvim:get(REACHED), 1, keys)
      nvim:type(keys)
      nvim:settle()
      equal(nvim:get(REACHED), 1, keys)
    end
    equal(
      nvim:get('T.told("reach")[1]'),
      { buf = nvim:get('vim.fn.bufnr("^agor://s1$")'), session_id = 's1' }
    )
  end
)

T['other keys and other buffers want nothing'] = test(nil, function(nvim)
  open(nvim, 7)
  nvim:type('jkG150Gzz<C-e>')
  nvim:type(':echo 1<CR>:set list?<CR>')
  nvim:cmd('wincmd p')
  nvim:type('/x<CR>')
  nvim:settle()
  equal(nvim:get(REACHED), 0)
end)

T['of a transcript that is painted whole nothing is asked'] = test(nil, function(nvim)
  open(nvim, 0)
  nvim:type('/number 3<CR>gg*')
  nvim:settle()
  equal({ nvim:get(REACHED), nvim:get('#T.told("fold")') }, { 0, 0 })
end)

T['the head line in view brings more of what is above'] = test(nil, function(nvim)
  open(nvim, 7)
  nvim:cmd('normal! 30Gzt')
  nvim:settle()
  nvim:screen()
  equal(nvim:get('#T.told("fold")'), 0)
  nvim:type('200<C-y>')
  nvim:screen()
  nvim:settle()
  local asked = nvim:get('T.told("fold")')
  equal({ #asked, asked[1].row, asked[1].action }, { 1, 0, 'open' })
end)

T['a window says where it is, one that follows only that it does'] = test(nil, function(nvim)
  open(nvim, 0)
  local function last()
    nvim:screen()
    nvim:settle()
    local told = nvim:get('T.told("views")')
    return told[#told].views[1].windows[1], #told
  end
  nvim:cmd('normal! 120Gzt')
  local window = last()
  equal({ window[1], window[3] }, { 119, false })
  nvim:cmd('normal! G')
  local count
  window, count = last()
  equal({ window[1], window[3] }, { 0, true })
  nvim:lua('T.patch("s1", {{"add", -1, {"", "more", "and more"}}})')
  window = last()
  equal({ window[1], window[3], select(2, last()) }, { 0, true, count })
end)

return T
