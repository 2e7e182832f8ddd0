--- Windows that follow the end of a transcript, and those that do not.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local function open(nvim)
  nvim:lua('T.session("s1") require("agor.ui.pane").open("s1")')
  nvim:settle()
  return nvim:get('vim.fn.bufwinid("agor://s1")')
end

local function numbered(n)
  local lines = {}
  for i = 1, n do
    lines[i] = 'line ' .. i
  end
  return lines
end

local function row(nvim, win)
  return nvim:get('vim.api.nvim_win_get_cursor(...)[1]', win)
end

T['it follows its end only while the cursor is on the last line'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(100))
  equal(row(nvim, win), 100)
  contains(nvim:screen(), 'line 100')
  nvim:lua('T.patch("s1", {{"add", -1, {"", "line 101"}}})')
  equal(row(nvim, win), 101)
  contains(nvim:screen(), 'line 101')
  nvim:lua('vim.api.nvim_win_set_cursor(..., {50, 0})', win)
  nvim:screen()
  local top = nvim:get('vim.fn.getwininfo(...)[1].topline', win)
  nvim:lua('T.patch("s1", {{"add", -1, {"", "line 102"}}})')
  nvim:screen()
  equal(row(nvim, win), 50)
  equal(nvim:get('vim.fn.getwininfo(...)[1].topline', win), top)
end)

T['a command line in it leaves the end as little as any other'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(100))
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  for keys, follows in pairs({ [':'] = true, ['/'] = false, ['?'] = false }) do
    nvim:type(keys)
    local now = 'require("agor.ui.follow").follows(..., vim.fn.bufnr("^agor://s1$"))'
    equal(nvim:get(now, win), follows, keys)
    nvim:type('<Esc>')
    nvim:lua('T.patch("s1", {{"add", -1, {"", "more"}}})')
  end
end)

T['two windows on one transcript follow each for itself'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(60))
  nvim:cmd('topleft split | buffer agor://s1')
  local other = nvim:get('vim.api.nvim_get_current_win()')
  nvim:lua('vim.api.nvim_win_set_cursor(0, {10, 0})')
  nvim:lua('T.patch("s1", {{"add", -1, {"", "more"}}})')
  equal({ row(nvim, win), row(nvim, other) }, { 61, 10 })
end)

T['older text above the window leaves the view where it is'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(80))
  nvim:lua('vim.api.nvim_win_set_cursor(..., {40, 0})', win)
  nvim:screen()
  local first = nvim:get('vim.fn.getbufline("^agor://s1$", vim.fn.getwininfo(...)[1].topline)', win)
  nvim:lua('T.patch("s1", {{"set", 0, 0, {"older 1", "older 2", "older 3"}}})')
  nvim:screen()
  equal(nvim:get('vim.fn.getbufline("^agor://s1$", vim.fn.getwininfo(...)[1].topline)', win), first)
  equal(row(nvim, win), 43)
end)

T['the cursor stays while the user selects, and follows again afterwards from the end'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(20))
    nvim:lua('vim.api.nvim_set_current_win(...)', win)
    nvim:type('Gv')
    nvim:lua('T.patch("s1", {{"add", -1, {"", "more"}}})')
    equal(row(nvim, win), 20)
    equal(nvim:mode(), 'v')
    nvim:type('<Esc>G')
    nvim:lua('T.patch("s1", {{"add", -1, {"", "and more"}}})')
    equal(row(nvim, win), 22)
  end
)

T['a search being typed does not lose the end'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(20))
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  nvim:type('G/')
  nvim:lua('T.patch("s1", {{"add", -1, {"", "more"}}})')
  equal(row(nvim, win), 20)
  nvim:type('<Esc>')
  nvim:lua('T.patch("s1", {{"add", -1, {"", "and more"}}})')
  equal(row(nvim, win), 22)
end)

local function top(nvim, win)
  return nvim:get('vim.fn.getwininfo(...)[1].topline', win)
end

local function bottom(nvim, win)
  return nvim:get('vim.fn.getwininfo(...)[1].botline', win)
end

local function enter(nvim, win)
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
end

local function grow(nvim, text)
  nvim:lua('T.patch("s1", {{"add", -1, {...}}})', text)
end

local function more(nvim, lines)
  local text = { '' }
  for i = 1, lines do
    text[i + 1] = 'more ' .. i
  end
  nvim:lua('T.patch("s1", {{"add", -1, ...}})', text)
end

local function bar(nvim, win)
  return nvim:get(
    'vim.api.nvim_eval_statusline(vim.wo[...].winbar, { winid = ..., use_winbar = true }).str',
    win
  )
end

T['a window that has left the end counts what is new until its cursor comes back'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(100))
    lacks(bar(nvim, win), ' new')
    enter(nvim, win)
    nvim:type('50G')
    lacks(bar(nvim, win), ' new')
    -- A line that grows is something new; it is one line all the same.
    grow(nvim, ' and on')
    contains(bar(nvim, win), '↓ 1 new')
    grow(nvim, ' and on')
    contains(bar(nvim, win), '↓ 1 new')
    more(nvim, 33)
    contains(bar(nvim, win), '↓ 34 new')
    -- What changes above the end is nothing new.
    nvim:lua('T.patch("s1", {{"set", 0, 1, {"a", "b", "c"}}, {"set", 60, 70, {}}})')
    contains(bar(nvim, win), '↓ 34 new')
    nvim:type('G')
    lacks(bar(nvim, win), ' new')
    more(nvim, 3)
    lacks(bar(nvim, win), ' new')
    equal(bottom(nvim, win), nvim:get('vim.api.nvim_buf_line_count(0)'))
  end
)

T['what was missed stands when all is painted anew'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(100))
  enter(nvim, win)
  nvim:type('50G')
  more(nvim, 20)
  nvim:lua('T.paint("s1", ...)', numbered(90))
  contains(bar(nvim, win), '↓ 20 new')
  more(nvim, 5)
  contains(bar(nvim, win), '↓ 25 new')
end)

T['many new lines are counted in round numbers, for the bar of a flood'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(50))
  enter(nvim, win)
  nvim:type('10G')
  more(nvim, 99)
  contains(bar(nvim, win), '↓ 99 new')
  more(nvim, 7)
  contains(bar(nvim, win), '↓ 100 new')
  more(nvim, 1200)
  contains(bar(nvim, win), '↓ 1.3k new')
end)

T['a narrow bar shortens the count and keeps it'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(50))
  enter(nvim, win)
  nvim:type('10G')
  more(nvim, 34)
  nvim:cmd('vertical resize 20')
  nvim:lua('T.session("s1", { status = "running" }) require("agor.ui.bar").refresh({ "s1" })')
  contains(bar(nvim, win), '● running')
  contains(bar(nvim, win), '↓34')
  nvim:lua('T.config.icons = "ascii" require("agor.ui.bar").resized()')
  contains(bar(nvim, win), 'v34')
end)

T['the same transcript in two windows is counted in the one that has left the end'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(60))
    nvim:cmd('topleft split | buffer agor://s1')
    local other = nvim:get('vim.api.nvim_get_current_win()')
    nvim:type('10G')
    more(nvim, 4)
    contains(bar(nvim, other), '↓ 4 new')
    lacks(bar(nvim, win), ' new')
    enter(nvim, win)
    nvim:type('5G')
    more(nvim, 3)
    contains(bar(nvim, other), '↓ 7 new')
    contains(bar(nvim, win), '↓ 3 new')
  end
)

T['a view that was moved around the end stays where it is while there is room'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(100))
    enter(nvim, win)
    for _, keys in ipairs({ 'Gzt', 'Gzz', 'Gzb', 'Gzz3<C-e>', 'Gzt4<C-y>' }) do
      nvim:type(keys)
      local before = top(nvim, win)
      local room = nvim:get('vim.api.nvim_win_get_height(0)')
        - (nvim:get('vim.api.nvim_buf_line_count(0)') - before + 1)
      more(nvim, 2)
      nvim:screen()
      equal(row(nvim, win), nvim:get('vim.api.nvim_buf_line_count(0)'), keys)
      -- One row is the bar's.
      equal(top(nvim, win), before + math.max(0, 2 - (room - 1)), keys)
    end
  end
)

T['scrolling away with the wheel leaves the end, whatever window is current'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(100))
    local pos = nvim:get('vim.fn.win_screenpos(...)', win)
    for _ = 1, 5 do
      nvim:lua('vim.api.nvim_input_mouse("wheel", "up", "", 0, ...)', pos[1] + 3, pos[2] + 3)
      nvim:settle()
    end
    nvim:screen()
    local before = top(nvim, win)
    more(nvim, 12)
    nvim:screen()
    equal(top(nvim, win), before)
    contains(bar(nvim, win), '↓ 12 new')
  end
)

T['lines that change above push the end out of no window that follows'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(100))
  nvim:screen()
  -- As a tool's preview that grows, in a window that is not the current one.
  nvim:lua('T.patch("s1", {{"set", 94, 95, {"1", "2", "3", "4", "5", "6"}}})')
  nvim:screen()
  equal(bottom(nvim, win), 105)
  contains(nvim:screen(), 'line 100')
end)

T['a patch elsewhere leaves the cursor in its column'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(30))
  enter(nvim, win)
  nvim:type('G03l')
  nvim:lua('T.patch("s1", {{"set", 3, 4, {"else", "where"}}})')
  equal(nvim:get('vim.api.nvim_win_get_cursor(0)'), { 31, 3 })
end)

T['what is selected or searched from the end is counted, and a search that is found ends it'] = test(
  nil,
  function(nvim)
    local win = open(nvim)
    nvim:lua('T.paint("s1", ...)', numbered(60))
    enter(nvim, win)
    nvim:type('Gv')
    more(nvim, 2)
    contains(bar(nvim, win), '↓ 2 new')
    nvim:type('<Esc>G')
    lacks(bar(nvim, win), ' new')
    -- 'incsearch' is somewhere else when the text comes.
    nvim:type('?line 7')
    more(nvim, 2)
    nvim:type('<Esc>')
    more(nvim, 2)
    equal(row(nvim, win), nvim:get('vim.api.nvim_buf_line_count(0)'))
    nvim:type('?line 7<CR>')
    more(nvim, 2)
    equal(row(nvim, win), 7)
    contains(bar(nvim, win), '↓ 2 new')
  end
)

T['another width shows the end still, and its rows to the bottom'] = test(nil, function(nvim)
  local win = open(nvim)
  local long = {}
  for i = 1, 60 do
    long[i] = ('line %d '):format(i) .. ('word '):rep(20) .. 'last ' .. i
  end
  nvim:lua('T.paint("s1", ...)', long)
  for _, cells in ipairs({ 20, 120, 30, 64 }) do
    nvim:lua('vim.api.nvim_win_set_width(...)', win, cells)
    nvim:settle()
    nvim:screen()
    nvim:screen()
    equal(bottom(nvim, win), 60, cells .. ' cells')
    local rows = nvim:get(
      'vim.api.nvim_win_text_height(..., { start_row = vim.fn.getwininfo(...)[1].topline - 1 }).all',
      win
    )
    local height = nvim:get('vim.api.nvim_win_get_height(...)', win)
    assert(rows >= height - 6, ('%d cells: %d rows of %d'):format(cells, rows, height))
  end
end)

return T
