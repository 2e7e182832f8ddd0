-- Files that agents change while they are open.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
local function watch(child)
  child:lua([[require('agor.files').watch()]])
end

---@param child agor.test.Nvim
---@param paths? string[]
local function event(child, paths)
  child:lua(
    [[local cwd, paths = ...
      require('agor.rpc').apply({ events = { { 'files', { session_id = 'a', cwd = cwd, paths = paths } } } })
      vim.wait(10)]],
    child.home .. '/work',
    paths or vim.NIL
  )
end

---@param child agor.test.Nvim
---@return string[]
local function lines(child)
  return child:get([[vim.fn.getline(1, '$')]])
end

---@param count integer
---@param mark string
---@return string
local function numbered(count, mark)
  local out = {}
  for i = 1, count do
    out[i] = mark .. i
  end
  return table.concat(out, '\n') .. '\n'
end

T['a file that is written again with the same text is no undo step'] = test(nil, function(child)
  watch(child)
  child:write('a.txt', numbered(3, 'x'))
  child:cmd('edit a.txt')
  child:cmd('silent 2s/x/y/')
  child:cmd('silent write')
  local path = child:write('a.txt', 'x1\ny2\nx3\n')
  child:lua([[assert(vim.uv.fs_utime(..., 1, 1))]], path)
  event(child, { 'a.txt' })
  equal(child:notes(), '')
  child:cmd('silent undo')
  equal(lines(child), { 'x1', 'x2', 'x3' })
  -- Neovim has taken note of the file's new time, and asks nothing later.
  child:cmd('silent redo')
  child:lua([[
    vim.o.autoread = false
    vim.api.nvim_create_autocmd('FileChangedShell', { callback = function() _G.asked = true end })
    vim.cmd('checktime')]])
  equal(child:get('_G.asked == nil'), true)
  -- Without the last line's end it is another text.
  child:write('a.txt', 'x1\ny2\nx3')
  event(child, { 'a.txt' })
  equal(child:get('vim.bo.endofline'), false)
end)

for _, named in ipairs({ true, false }) do
  T['an unmodified buffer shows the change, ' .. (named and 'by path' or 'by folder')] = test(
    nil,
    function(child)
      watch(child)
      local path = child:write('src/a.txt', numbered(100, 'x'))
      child:cmd('edit src/a.txt')
      child:cmd('split')
      child:cmd('normal! 60Gzt0l')
      child:cmd('wincmd p')
      child:cmd('normal! 30Gzb')
      local views = child:get(
        [[vim.tbl_map(function(win) return vim.api.nvim_win_call(win, vim.fn.winsaveview) end, vim.api.nvim_list_wins())]]
      )
      child:write('src/a.txt', numbered(101, 'x'))
      event(child, named and { 'src/a.txt' } or nil)
      equal(#lines(child), 101)
      equal(child:get('vim.bo.modified'), false)
      local now = child:get(
        [[vim.tbl_map(function(win) return vim.api.nvim_win_call(win, vim.fn.winsaveview) end, vim.api.nvim_list_wins())]]
      )
      equal(now, views)
      equal(child:notes(), '')
      child:cmd('silent undo')
      equal(#lines(child), 100)
      child:cmd('silent redo')
      equal(#lines(child), 101)
      equal(path, child:get('vim.api.nvim_buf_get_name(0)'))
    end
  )
end

T['long files can be undone too'] = test(nil, function(child)
  watch(child)
  child:write('a.txt', numbered(20000, 'x'))
  child:cmd('edit a.txt')
  child:write('a.txt', numbered(20001, 'y'))
  event(child, { child.home .. '/work/a.txt' })
  equal(#lines(child), 20001)
  child:cmd('silent undo')
  equal(child:get('vim.fn.getline(1)'), 'x1')
end)

T['a modified buffer is left alone and the user is told once'] = test(nil, function(child)
  watch(child)
  child:write('a.txt', 'one\n')
  child:cmd('edit a.txt')
  child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'mine' })]])
  child:write('a.txt', 'theirs, longer\n')
  event(child, { 'a.txt' })
  event(child, { 'a.txt' })
  event(child)
  equal(lines(child), { 'mine' })
  equal(#child:get('notes'), 1)
  contains(child:notes(), 'a.txt was changed on disk and has unsaved changes here')
end)

T['a deleted file is told once, its text stays'] = test(nil, function(child)
  watch(child)
  local path = child:write('a.txt', 'one\n')
  child:cmd('edit a.txt')
  os.remove(path)
  event(child, { 'a.txt' })
  event(child, { 'a.txt' })
  equal(lines(child), { 'one' })
  equal(#child:get('notes'), 1)
  contains(child:notes(), 'a.txt was deleted on disk')
end)

T['a file that comes into being is shown in the empty buffer of its name'] = test(
  nil,
  function(child)
    watch(child)
    child:cmd('edit new.txt')
    event(child)
    equal(child:notes(), '')
    child:write('new.txt', 'hello\n')
    event(child, { 'new.txt' })
    equal(lines(child), { 'hello' })
    equal(child:get('vim.bo.modified'), false)
    child:cmd('edit other.txt')
    child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'mine' })]])
    child:write('other.txt', 'theirs\n')
    event(child, { 'other.txt' })
    equal(lines(child), { 'mine' })
    contains(child:notes(), 'other.txt was changed on disk')
  end
)

T["hidden buffers, links, odd names and the user's own 'autoread'"] = test(nil, function(child)
  watch(child)
  child:write('dir/a b[1].txt', 'one\n')
  vim.uv.fs_symlink(child.home .. '/work/dir', child.home .. '/link')
  child:cmd('set noautoread')
  child:lua(
    [[vim.cmd.edit(vim.fn.fnameescape(vim.env.HOME .. '/link/a b[1].txt')) vim.bo.autoread = false]]
  )
  child:cmd('enew')
  child:write('dir/a b[1].txt', 'two, longer\n')
  event(child, { child.home .. '/work/dir/a b[1].txt' })
  child:cmd('bprevious')
  equal(lines(child), { 'two, longer' })
  equal(child:get('vim.bo.autoread'), false)
end)

T['files outside of the directory are not looked at'] = test(nil, function(child)
  watch(child)
  child:write(child.home .. '/out.txt', 'one\n')
  child:cmd('edit ~/out.txt')
  child:write(child.home .. '/out.txt', 'two, longer\n')
  event(child)
  equal(lines(child), { 'one' })
end)

T['in insert mode the change comes at once'] = test(nil, function(child)
  watch(child)
  child:write('a.txt', 'one\ntwo\n')
  child:cmd('edit a.txt')
  child:type('ji')
  child:wait_for([[vim.fn.mode() == 'i']])
  child:write('a.txt', 'one\ntwo\nthree\n')
  event(child, { 'a.txt' })
  equal(lines(child), { 'one', 'two', 'three' })
  equal(child:get('vim.fn.mode()'), 'i')
  equal(child:get([[vim.fn.line('.')]]), 2)
end)

T['unsaved files of the directory are counted, or written before a prompt'] = test(
  nil,
  function(child)
    child:write('a.txt', 'one\n')
    child:cmd('edit a.txt')
    child:lua([[
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'mine' })
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
  ]])
    local cwd = child.home .. '/work'
    equal(child:get([[require('agor.files').unsaved(...)]], cwd), 1)
    equal(child:get([[require('agor.files').unsaved('/nowhere')]]), 0)
    child:lua([[require('agor').setup({ unsaved = 'ignore' })]])
    equal(child:get([[require('agor.files').unsaved(...)]], cwd), 0)
    child:lua(
      [[require('agor').setup({ unsaved = 'write' }) require('agor').send('hi', { session = 'a' })]]
    )
    child:wait_told('send')
    equal(vim.fn.readfile(cwd .. '/a.txt'), { 'mine' })
    child:lua([[vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'again' }) vim.bo.readonly = true]])
    contains(
      child:get([[select(2, require('agor').send('hi', { session = 'a' }))]]),
      'a.txt could not be written before the prompt'
    )
    equal(#child:told('send'), 1)
  end
)

T['a file that is as it was is not compared again'] = test(nil, function(child)
  watch(child)
  child:write('a.txt', 'one\n')
  child:cmd('edit a.txt')
  child:lua([[compared = 0
    vim.api.nvim_create_autocmd('FileChangedShellPost', { callback = function() compared = compared + 1 end })
    local check = require('agor.files').check
    require('agor.files').check = function(buf) compared = compared + 100 check(buf) end]])
  event(child)
  equal(child:get('compared'), 100)
  event(child)
  equal(child:get('compared'), 100)
  child:write('a.txt', 'two and more\n')
  event(child)
  equal(child:get('compared'), 201)
  equal(lines(child), { 'two and more' })
  event(child)
  equal(child:get('compared'), 201)
end)

return T
