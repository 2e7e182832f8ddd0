--- Names of files that an agent has chosen: what opens them opens a file of that very name, or nothing.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

-- Each is the name of a file that is there; were it taken for more than a name, `owned` would be there too, or the editor
-- would be gone.
local NAMES = {
  'a\ncall writefile([],"owned")',
  'a\ncq',
  '`touch owned`',
  '$(touch owned)',
  '|!touch owned',
  '!touch owned',
  '+cq',
  '+!touch owned',
  '-c',
  '%',
  '#',
  '##',
  '#1',
  '<cfile>',
  '<afile>',
  '*',
  '?',
  '[ab]',
  '{a,b}',
  '~root',
  '~',
  '$HOME',
  'term:',
  'x\ttab',
  'back\\slash',
  'quotes\'"',
  'ends in blank ',
  '\27[2J',
  '\u{202e}txt',
  '%{execute("qa!")}',
  '%#Error#',
}

---@param child agor.test.Nvim
---@param name string
local function make(child, name)
  local path = child.home .. '/work/' .. name
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  vim.fn.writefile({ 'inside', 'vim: set tw=7 nowrap:' }, path)
  return path
end

---@param child agor.test.Nvim
local function session(child)
  child:lua(
    [[require('agor').start({ provider = 'demo', session_id = 'a', open = false, cwd = ... })]],
    child.home .. '/work'
  )
  child:wait_told('start')
end

---@param child agor.test.Nvim
local function nothing_ran(child, name)
  equal({ name, (vim.uv.fs_stat(child.home .. '/work/owned')) }, { name })
end

T['a file that is gone to is the one of that very name'] = test(
  { stand_ins = false },
  function(child)
    session(child)
    for _, name in ipairs(NAMES) do
      local path = make(child, name)
      local ok = child:get([[require('agor.ui.jump').to_path('a', ...)]], path)
      equal({ name, ok }, { name, true })
      equal(child:get('vim.api.nvim_buf_get_name(0)'), path)
      equal(child:get('vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]'), 'inside')
      nothing_ran(child, name)
    end
  end
)

T['what is no regular file is not opened, and nothing waits for it'] = test(
  { stand_ins = false },
  function(child)
    session(child)
    local work = child.home .. '/work/'
    vim.fn.system({ 'mkfifo', work .. 'pipe' })
    vim.uv.fs_symlink(work .. 'pipe', work .. 'to-pipe')
    vim.fn.mkdir(work .. 'folder')
    for _, name in ipairs({
      'pipe',
      'to-pipe',
      'folder',
      '/dev/zero',
      '/dev/tty',
      '/proc/self/fd/0',
      'term://touch owned',
      'TERM://touch owned',
      'scp://host/x',
      'http://host/x',
      'ftp://host/x',
      'file:///etc/passwd',
      'agor://a',
      'man://sh',
      'nothing',
      '',
      'a\0b',
      '|!touch owned',
      '`touch owned`',
    }) do
      local ok = child:get([[require('agor.ui.jump').to_path('a', ...)]], name)
      equal({ name, ok }, { name, false })
      child:lua(
        [[local buf = vim.api.nvim_create_buf(false, true)
        vim.api.nvim_set_current_buf(buf)
        vim.api.nvim_buf_set_lines(buf, 0, -1, false, { (select(1, ...):gsub('[%z\n]', ' ')) })
        require('agor.ui.jump').to_file('a')
        require('agor.ui.diff').open({ path = select(2, ...), paths = {}, go = function() end })]],
        name,
        work .. 'pipe'
      )
      equal(child:get('#vim.api.nvim_list_tabpages()'), 1)
      nothing_ran(child, name)
    end
    equal(
      child:get(
        '#vim.tbl_filter(function(b) return vim.bo[b].buftype == "terminal" end, vim.api.nvim_list_bufs())'
      ),
      0
    )
  end
)

T['a change is shown of the file of that very name, and what it was sets no options'] = test(
  { stand_ins = false },
  function(child)
    session(child)
    child:cmd('set modeline modelines=5')
    for _, name in ipairs(NAMES) do
      local path = make(child, name)
      local before = vim.fn.tempname()
      vim.fn.writefile({ 'before', 'vim: set tw=9 nowrap:' }, before)
      child:lua(
        [[local path, before = ...
          require('agor.ui.diff').open({ path = path, text_file = before, paths = { path }, go = function() end })]],
        path,
        before
      )
      equal(child:get('vim.api.nvim_buf_get_name(0)'), path)
      equal(child:get('vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]'), 'inside')
      child:cmd('wincmd h')
      equal(
        child:get('{ vim.fn.getline(1), vim.bo.textwidth, vim.bo.modeline }'),
        { 'before', 0, false }
      )
      child:cmd('tabonly!')
      nothing_ran(child, name)
    end
    -- As `:edit` does it for the user's own files.
    child:cmd('wincmd l')
    equal(child:get('{ vim.o.modeline, vim.bo.textwidth }'), { true, 7 })
  end
)

T['a name that is typed for a change runs nothing'] = test({
  env = {
    AGOR_FAKE_REPLIES = vim.json.encode({
      changes = {
        result = { items = {}, paths = {}, files = 0, added = 0, removed = 0, notes = {} },
      },
      before = { error = 'no text' },
    }),
  },
}, function(child)
  session(child)
  child:cmd('cd ' .. child.home .. '/work')
  for _, name in ipairs({ '`touch owned`', '$(touch owned)', '*;touch owned', '|!touch owned' }) do
    child:lua([[require('agor.changes').diff_command({ args = ..., bang = false })]], name)
    child:wait_note('no text')
    nothing_ran(child, name)
  end
end)

T['the log and the trace are read without modelines'] = test({ stand_ins = false }, function(child)
  child:cmd('set modeline modelines=5')
  local path = make(child, 'agor.log')
  child:lua(
    [[local path = ... require('agor.backend').log_path = function() return path end require('agor.actions').log()]],
    path
  )
  equal(child:get('{ vim.fn.expand("%:p"), vim.bo.textwidth, vim.o.modeline }'), { path, 0, false })
  child:cmd('new')
  equal(child:get('vim.o.modeline'), true)
end)

T['a page is opened only if it can be nothing but a page'] = test(
  { stand_ins = false },
  function(child)
    child:lua(
      '_G.opened = {} vim.ui.open = function(url) table.insert(_G.opened, url) return {} end'
    )
    for _, url in ipairs({
      'file:///etc/passwd',
      'javascript:alert(1)',
      'data:text/html,x',
      'vscode://x',
      'ssh://host',
      'https://a b',
      'https://a\nb',
      'https://',
      ' https://a',
      '-https://a',
      'mailto:x',
      '',
    }) do
      equal({ url, child:get([[require('agor.ui.page').open(...)]], url) }, { url, false })
    end
    equal(child:get([[require('agor.ui.page').open(...)]], 'https://a.b/c?d=e&f#g'), true)
    equal(child:get('_G.opened'), { 'https://a.b/c?d=e&f#g' })
  end
)

return T
