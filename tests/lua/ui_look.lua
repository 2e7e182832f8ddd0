--- Keys that ask for what stands under the cursor.

local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

local T = {}

local function open(nvim, lines, more)
  nvim:lua('T.session("s1", { cwd = ... }) require("agor.ui.pane").open("s1")', nvim.home)
  nvim:settle()
  nvim:lua('T.paint("s1", ...)', lines, more or {})
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
end

--- What the backend would have written for the editor to read.
local function file(nvim, text)
  local path = nvim.home .. '/text' .. vim.uv.hrtime()
  local out = assert(io.open(path, 'wb'))
  out:write(text)
  out:close()
  return path
end

T['gf asks where a row leads before it reads its text'] = test(nil, function(nvim)
  vim.fn.writefile({ 'x', 'y', 'z' }, nvim.home .. '/a.txt')
  vim.fn.writefile({ 'x' }, nvim.home .. '/b.txt')
  open(nvim, { 'head', '  2 +see b.txt', '  3 -gone' })
  local at = '{ vim.fn.expand("%:t"), vim.fn.line(".") }'
  nvim:lua('T.results.place = { path = "a.txt", line = 2 }')
  nvim:type('2G$gf')
  equal(nvim:get(at), { 'a.txt', 2 })
  equal(nvim:get('T.told("place")[1].row'), 1)
  -- A file that is no longer there: what the text says is better than nothing.
  nvim:lua('T.results.place = { path = "gone.txt" }')
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
  nvim:type('2G$gd')
  equal(nvim:get(at), { 'b.txt', 1 })
end)

T['gf on a file in the line of a call goes there, elsewhere in it to where the call looks'] = test(
  nil,
  function(nvim)
    vim.fn.writefile({ 'x', 'y', 'z' }, nvim.home .. '/a.txt')
    vim.fn.writefile({ 'x' }, nvim.home .. '/b.txt')
    open(nvim, { 'head', '● Bash  cat b.txt' }, { { 'anchor', 1, 'tool' } })
    nvim:lua('T.results.place = { path = "a.txt", line = 3 }')
    nvim:type('2G$gf')
    equal(nvim:get('vim.fn.expand("%:t")'), 'b.txt')
    nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
    nvim:type('2G0gf')
    equal(nvim:get('{ vim.fn.expand("%:t"), vim.fn.line(".") }'), { 'a.txt', 3 })
  end
)

T['gy puts the text into the register that was named, and says what it is'] = test(
  nil,
  function(nvim)
    open(nvim, { 'head', 'a' })
    for _, case in ipairs({
      { 'fn main() {\r\n\n}\n', 'V', 'gy', '"' },
      { 'one\ntwo', 'V', '"agy', 'a' },
      { 'one line', 'v', 'gy', '"' },
      { 'nul \0 and \n', 'V', 'gy', '"' },
    }) do
      local text, kind, keys, register = unpack(case)
      local path = file(nvim, text)
      nvim:lua('T.results.take = { text_file = ..., what = "4 lines of rust" }', path)
      nvim:type('2G' .. keys)
      local got = nvim:get('vim.fn.getreg(..., 1, 1)', register)
      local expect = vim.split((text:gsub('\n$', '')), '\n')
      for i, line in ipairs(expect) do
        expect[i] = line:gsub('%z', '\n')
      end
      equal(got, expect)
      equal(nvim:get('vim.fn.getregtype(...)', register), kind)
      equal(vim.uv.fs_stat(path), nil, 'nothing is left')
    end
    equal(nvim:get('T.messages[1]'), { 'info', '4 lines of rust yanked' })
    equal(nvim:get('T.messages[2]'), { 'info', '4 lines of rust yanked into "a' })
    nvim:lua('T.results.take = false')
    nvim:type('gy')
    equal(nvim:get('T.messages[5]'), { 'warn', 'There is nothing to yank here' })
  end
)

T['K shows all of it in a float that closes by itself'] = test(nil, function(nvim)
  open(nvim, { 'head', 'a' })
  local text = 'head\n' .. ('word '):rep(60) .. '\nnul \0\nlast'
  nvim:lua(
    'T.results.detail = { text_file = ..., title = "Bash", marks = { { 0, 0, 4, "AgorTitle" }, { 3, 0, -1, "AgorDim" } } }',
    file(nvim, text)
  )
  nvim:type('2GK')
  equal(nvim:get('vim.bo.filetype'), 'agor-detail')
  contains(nvim:screen(), ' Bash ')
  contains(nvim:screen(), 'last')
  equal(nvim:get('vim.api.nvim_buf_line_count(0)'), 4)
  equal(nvim:get('vim.bo.modifiable'), false)
  equal(nvim:get('vim.fn.maparg("q", "n")'), '<Plug>(agor-detail-close)')
  for _, size in ipairs({ { 20, 6 }, { 200, 50 }, { 12, 6 } }) do
    nvim:lua('vim.o.columns, vim.o.lines = ...', size[1], size[2])
    nvim:settle()
    local info = nvim:get('vim.fn.getwininfo(vim.api.nvim_get_current_win())[1]')
    equal(info.wincol >= 1 and info.width + 2 <= size[1], true, vim.inspect(size))
    equal(info.height + 2 <= math.max(size[2], 3), true, vim.inspect(size))
  end
  nvim:lua('vim.o.columns, vim.o.lines = 100, 30')
  local float = nvim:get('vim.api.nvim_get_current_win()')
  nvim:type('q')
  equal(nvim:get('vim.api.nvim_win_is_valid(...)', float), false)
  nvim:lua('T.results.detail = false')
  nvim:type('K')
  equal(nvim:get('T.messages[1]'), { 'warn', 'There is no more to see here' })
end)

T['a yank of a line that is split softly is that line'] = test(nil, function(nvim)
  open(
    nvim,
    { 'head', 'one ', 'and ', 'the same', 'two' },
    { { 'anchor', 2, 'split' }, { 'anchor', 3, 'split' } }
  )
  local function yank(keys, register)
    nvim:type(keys)
    return nvim:get('{ vim.fn.getreg(..., 1, 1), vim.fn.getregtype(...) }', register or '"')
  end
  equal(yank('2GyG'), { { 'one and the same', 'two' }, 'V' })
  equal(yank('2G0v3G0ly'), { { 'one an' }, 'v' })
  equal(yank('3G"ayG', 'a'), { { 'and the same', 'two' }, 'V' }, 'its beginning was not yanked')
  equal(yank('yy'), { { 'and ' }, 'V' })
  equal(yank('ggyj'), { { 'head', 'one ' }, 'V' })
  equal(yank('gg"ayy2G"AyG', 'a'), { { 'head', 'one and the same', 'two' }, 'V' }, 'what was there')
  equal(yank('gg"aye2G"Ayj', 'a'), { { 'head', 'one and ' }, 'V' })
  equal(yank('gg0"aye2G0v3G0l"Ay', 'a'), { { 'headone an' }, 'v' })
  nvim:lua([[vim.g.clipboard = {
    name = 'test',
    copy = { ['+'] = function(lines) _G.copied = lines end, ['*'] = function() end },
    paste = { ['+'] = function() return _G.copied end, ['*'] = function() return {} end },
  }]])
  nvim:cmd('set clipboard=unnamedplus')
  equal(yank('2Gyj', '+'), { { 'one and ' }, 'V' })
  equal(yank('2Gy2j', '0'), { { 'one and the same' }, 'V' })
end)

T['changes of a diff are a motion'] = test(nil, function(nvim)
  open(
    nvim,
    { 'head', ' 1 -a', ' 1 +b', ' 2  c', ' 3 +d' },
    { { 'anchor', 1, 'change' }, { 'anchor', 4, 'change' } }
  )
  nvim:type('gg')
  for _, step in ipairs({ { ']c', 2 }, { ']c', 5 }, { ']c', 5 }, { '[c', 2 }, { 'gg2]c', 5 } }) do
    nvim:type(step[1])
    equal(nvim:get('vim.fn.line(".")'), step[2], step[1])
  end
end)

return T
