-- Files that an agent reads and writes through the editor's buffers.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
local function session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_told('start')
end

local count = 0

---Asks as a backend does.
---@param child agor.test.Nvim
---@param path string
---@param text? string of a write
---@return table answer
local function ask(child, path, text)
  count = count + 1
  local id = 'f' .. count
  child:lua(
    [[local id, path, text = ...
      require('agor.rpc').apply({ events = { { 'file', {
        session_id = 'a', request_id = id, path = path, text = text } } } })]],
    id,
    path,
    text
  )
  local answer = child:wait('an answer', function()
    for _, entry in ipairs(child:told('file')) do
      if entry.params.request_id == id then
        return entry.params
      end
    end
  end)
  answer.session_id, answer.request_id = nil, nil
  return answer
end

---@param path string
---@return string
local function disk(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read('*a')
  file:close()
  return text
end

T['a file that no buffer holds, or that is unchanged in one, is read from disk'] = test(
  nil,
  function(child)
    session(child)
    local path = child:write('a.txt', 'x\n')
    equal(ask(child, path), { disk = true })
    child:cmd('edit a.txt')
    equal(ask(child, path), { disk = true })
    child:cmd('set modified | enew! | bunload! a.txt')
    equal(ask(child, path), { disk = true })
  end
)

T['unsaved text is read as it would be written'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'one\ntwo\n')
  child:cmd('edit a.txt')
  child:lua([[vim.fn.setline(1, 'unsaved ü')]])
  equal(ask(child, path), { text = 'unsaved ü\ntwo\n' })
  child:cmd('set noendofline nofixendofline')
  equal(ask(child, path), { text = 'unsaved ü\ntwo' })
  child:cmd('set fileformat=dos endofline')
  equal(ask(child, path), { text = 'unsaved ü\r\ntwo\r\n' })
  -- Hidden is as good as shown.
  child:cmd('set hidden | enew')
  equal(ask(child, path).text, 'unsaved ü\r\ntwo\r\n')
  child:cmd('buffer a.txt | %delete _ | set fileformat=unix')
  equal(ask(child, path), { text = '' })
  child:lua([[vim.fn.setline(1, { 'x', '' })]])
  equal(ask(child, path), { text = 'x\n\n' })
end)

T['a buffer is found behind a symlink'] = test(nil, function(child)
  session(child)
  local path = child:write('real/a.txt', 'x\n')
  vim.uv.fs_symlink(child.home .. '/work/real', child.home .. '/work/link')
  child:cmd('edit link/a.txt')
  child:lua([[vim.fn.setline(1, 'unsaved')]])
  equal(ask(child, path), { text = 'unsaved\n' })
end)

T['another encoding is read as text and written back in it'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'gr\252n\n')
  child:cmd('edit ++enc=latin1 a.txt')
  equal(ask(child, path), { text = 'grün\n' })
  equal(ask(child, path, 'größer\n'), { written = true })
  equal(disk(path), 'gr\246\223er\n')
  local answer = ask(child, path, 'snow ☃\n')
  contains(answer.error, "is written in latin1, which has not all of the text's characters")
  equal(disk(path), 'gr\246\223er\n')
  equal(child:get([[{ vim.fn.getline(1), vim.bo.modified }]]), { 'größer', false })
end)

T['a write changes the buffer in one undo step, keeps marks and cursor, and reaches the disk'] = test(
  nil,
  function(child)
    session(child)
    local path = child:write('a.txt', 'one\ntwo\nthree\nfour\nfive\n')
    child:cmd('edit a.txt')
    child:cmd('normal! 5Gma4G')
    equal(ask(child, path, 'ONE\nnew\ntwo\nfour\nfive\n'), { written = true })
    equal(disk(path), 'ONE\nnew\ntwo\nfour\nfive\n')
    equal(
      child:get([[{ vim.bo.modified, vim.fn.getline('.'), vim.fn.getline("'a") }]]),
      { false, 'four', 'five' }
    )
    child:cmd('undo')
    equal(child:get([[vim.fn.getline(1, '$')]]), { 'one', 'two', 'three', 'four', 'five' })
  end
)

T['what the user is typing is another undo step'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'one\ntwo\n')
  child:cmd('edit a.txt')
  child:type('ihello ')
  child:wait_for([[vim.fn.getline(1) == 'hello one']])
  equal(ask(child, path), { text = 'hello one\ntwo\n' })
  equal(ask(child, path, 'hello one\nTWO\n'), { written = true })
  equal(child:mode().mode, 'i')
  child:type('you <Esc>')
  child:wait_for([[vim.fn.getline(1) == 'hello you one']])
  child:cmd('undo')
  child:cmd('undo')
  equal(child:get([[vim.fn.getline(1, '$')]]), { 'hello one', 'two' })
end)

T['every text is on disk exactly as the agent wrote it'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'a\nb\n')
  child:cmd('edit a.txt')
  for _, text in ipairs({
    'no end',
    'dos\r\nlines\r\n',
    'mixed\r\nlines\n',
    '',
    'x\n',
    '\n',
    '\n\n',
    'nul \0 byte\n',
    'x',
    'tab\tand ü\n',
  }) do
    equal(ask(child, path, text), { written = true }, vim.inspect(text))
    equal(disk(path), text)
    equal(child:get('vim.bo.modified'), false)
    equal(child:get([[require('agor.file_requests').text(0)]]), text)
  end
end)

T['a large text is changed without comparing it line by line'] = test(nil, function(child)
  session(child)
  local lines = {}
  for i = 1, 15000 do
    lines[i] = 'line ' .. i
  end
  local path = child:write('big.txt', table.concat(lines, '\n') .. '\n')
  child:cmd('edit big.txt | normal! 14000G')
  table.insert(lines, 7000, 'new')
  table.remove(lines, 8000)
  local text = table.concat(lines, '\n') .. '\n'
  equal(ask(child, path, text), { written = true })
  equal(disk(path), text)
  equal(child:get([[vim.fn.getline('.')]]), 'line 14000')
end)

T['no formatter of the user changes what the agent wrote, what only looks is told'] = test(
  nil,
  function(child)
    session(child)
    local path = child:write('a.txt', 'x\n')
    child:lua(
      [[
    vim.api.nvim_create_autocmd('BufWritePre', { callback = function() vim.fn.setline(1, 'formatted') end })
    vim.api.nvim_create_autocmd('BufWritePost', { callback = function() _G.written = true error('oops') end })]]
    )
    child:cmd('edit a.txt')
    equal(ask(child, path, 'new\n'), { written = true })
    equal(disk(path), 'new\n')
    equal(child:get('written'), true)
  end
)

T['unsaved changes that the agent has not read are not overwritten'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'one\n')
  child:cmd('edit a.txt')
  child:lua([[vim.fn.setline(1, 'mine')]])
  contains(ask(child, path, 'theirs\n').error, 'read it again, then write')
  equal(ask(child, path), { text = 'mine\n' })
  child:lua([[vim.fn.setline(1, 'mine too')]])
  contains(
    ask(child, path, 'theirs\n').error,
    'unsaved changes in the editor that came after you last read it'
  )
  equal({ disk(path), child:get('vim.fn.getline(1)') }, { 'one\n', 'mine too' })
  ask(child, path)
  equal(ask(child, path, 'mine too, theirs\n'), { written = true })
  equal(disk(path), 'mine too, theirs\n')
end)

T['a conflict with the disk is the user’s to settle, however often it is tried'] = test(
  nil,
  function(child)
    session(child)
    local path = child:write('a.txt', 'one\n')
    child:cmd('edit a.txt')
    child:lua([[vim.fn.setline(1, 'mine')]])
    ask(child, path)
    child:write('a.txt', 'somebody else was here\n')
    for _ = 1, 2 do
      contains(ask(child, path, 'theirs\n').error, 'the user has to settle that first')
    end
    contains(child:notes(), ':e! takes the disk, :w! keeps yours')
    equal(disk(path), 'somebody else was here\n')
    child:cmd('edit!')
    equal(ask(child, path, 'theirs\n'), { written = true })
  end
)

T['read-only buffers and folders that cannot be written are sentences for the agent'] = test(
  nil,
  function(child)
    session(child)
    local path = child:write('a.txt', 'one\n')
    child:cmd('view a.txt')
    contains(ask(child, path, 'x\n').error, path .. ' is read-only in the editor')
    child:cmd('set noreadonly nomodifiable')
    contains(ask(child, path, 'x\n').error, 'is read-only in the editor')
    child:cmd('set modifiable')
    child:write('block', '')
    child:cmd('edit block/new.txt')
    local answer = ask(child, child.home .. '/work/block/new.txt', 'x\n')
    assert(answer.error, vim.inspect(answer))
    equal(disk(path), 'one\n')
  end
)

T['a new file that is open in a buffer is made, with its folders'] = test(nil, function(child)
  session(child)
  child:cmd('edit new/dir/a.txt')
  local path = child.home .. '/work/new/dir/a.txt'
  child:lua([[vim.fn.mkdir('new/dir', 'p')]])
  equal(ask(child, path, 'x\n'), { written = true })
  equal(disk(path), 'x\n')
end)

T['while text is locked the write waits, and is done afterwards'] = test(nil, function(child)
  session(child)
  local path = child:write('a.txt', 'one\n')
  child:cmd('edit a.txt')
  child:lua([[
    vim.keymap.set('n', 'X', function() _G.waits = true _G.got = vim.fn.getcharstr() return '' end, { expr = true })
    local defer = vim.defer_fn
    vim.defer_fn = function(...) _G.deferred = true return defer(...) end]])
  child:type('X')
  child:wait_for('waits')
  child:lua(
    [[require('agor.rpc').apply({ events = { { 'file', {
      session_id = 'a', request_id = 'late', path = ..., text = 'new\n' } } } })]],
    path
  )
  child:wait_for('deferred')
  equal({ child:get('vim.fn.getline(1)'), #child:told('file') }, { 'one', 0 })
  child:type('y')
  equal(child:wait_told('file').written, true)
  equal(disk(path), 'new\n')
end)

return T
