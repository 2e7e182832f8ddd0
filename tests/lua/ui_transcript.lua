--- Transcripts as buffers: patches, folds, motions, and what a window shows of them.

local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

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

local TEXT = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1$"), 0, -1, false)'

T['operations change the text as the wire says'] = test(nil, function(nvim)
  open(nvim)
  equal(nvim:get('T.paint("s1", {"a", "b", "c"})'), 'ok')
  equal(nvim:get('T.patch("s1", {{"add", -1, {"c", "d"}}})'), 'ok')
  equal(nvim:get(TEXT), { 'a', 'b', 'cc', 'd' })
  equal(
    nvim:get('T.patch("s1", {{"set", 1, 3, {"x"}}, {"add", -1, {"!"}}, {"set", 0, 0, {"top"}}})'),
    'ok'
  )
  equal(nvim:get(TEXT), { 'top', 'a', 'x', 'd!' })
  equal(nvim:get('vim.bo[vim.fn.bufnr("^agor://s1$")].modifiable'), false)
  equal(nvim:get('vim.bo[vim.fn.bufnr("^agor://s1$")].modified'), false)
end)

T['what somebody else writes into a transcript is painted over'] = test(nil, function(nvim)
  open(nvim)
  equal(nvim:get('T.paint("s1", {"a", "b", "c"})'), 'ok')
  local write = [[
    local buf = vim.fn.bufnr('^agor://s1$')
    vim.bo[buf].modifiable = true
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, { 'mine' })
  ]]
  nvim:lua(write)
  -- Its rows are not those that the backend knows.
  equal(nvim:get('T.patch("s1", {{"add", -1, {"c", "d"}}})'), 'stale')
  equal(nvim:get(TEXT), { 'mine' })
  equal(nvim:get('T.paint("s1", {"a", "b"})'), 'ok')
  equal(nvim:get(TEXT), { 'a', 'b' })
  -- Also if the backend has nothing to say: it is told that the buffer holds nothing of its.
  nvim:lua(write)
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
  nvim:cmd('doautocmd TextChanged')
  equal(nvim:get('require("agor.ui.transcript").revision(vim.fn.bufnr("^agor://s1$"))'), -1)
end)

T['a listener of another plugin that throws does not keep text away'] = test(nil, function(nvim)
  open(nvim)
  equal(nvim:get('T.paint("s1", {"a", "b", "c"})'), 'ok')
  nvim:lua([[vim.api.nvim_buf_attach(vim.fn.bufnr('^agor://s1$'), false, {
    on_lines = function() error('mine') end,
  })]])
  equal(nvim:get('T.patch("s1", {{"add", -1, {"c", "d"}}, {"set", 0, 1, {"x"}}})'), 'ok')
  equal(nvim:get(TEXT), { 'x', 'b', 'cc', 'd' })
  equal(nvim:get('T.patch("s1", {{"set", 1, 2, {"y", "z"}}})'), 'ok')
  equal(nvim:get('T.paint("s1", {"e", "f"})'), 'ok')
  equal(nvim:get(TEXT), { 'e', 'f' })
end)

T['a replaced range leaves no mark behind'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua([[
    T.paint('s1', { 'head', 'body' })
    for i = 1, 200 do
      local text = ('word '):rep(i % 7 + 1)
      T.patch('s1', {
        { 'set', 1, 2, { text, text } },
        { 'mark', 1, 0, 4, 'AgorBold' },
        { 'line', 2, 'AgorDiffAdd' },
        { 'anchor', 1, 'tool', 't' },
        { 'set', 2, 3, {} },
      })
    end
  ]])
  local count = [[(function(buf)
    local n = 0
    for _, ns in pairs(require('agor.ui.transcript').ns) do
      n = n + #vim.api.nvim_buf_get_extmarks(buf, ns, 0, -1, {})
    end
    return n
  end)(vim.fn.bufnr('^agor://s1$'))]]
  equal(nvim:get(count), 2)
  equal(nvim:get(TEXT), { 'head', ('word '):rep(200 % 7 + 1) })
end)

T['a mark is drawn with its group'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua(
    'T.paint("s1", {"plain bold"}, {{"mark", 0, 6, 10, "AgorBold"}, {"line", 0, "AgorDiffAdd"}})'
  )
  local marks = nvim:get(
    'vim.api.nvim_buf_get_extmarks(vim.fn.bufnr("^agor://s1$"), require("agor.ui.transcript").ns.text, 0, -1, {details = true})'
  )
  equal(marks[1][4].line_hl_group or marks[2][4].line_hl_group, 'AgorDiffAdd')
  local bold = marks[1][4].hl_group and marks[1] or marks[2]
  equal({ bold[3], bold[4].end_col, bold[4].hl_group }, { 6, 10, 'AgorBold' })
end)

T['the left of a wrapped line has its background on each row'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua(
    'T.paint("s1", ..., {{"line", 0, "AgorDiffAdd"}, {"fill", 0, 0, "    ", "AgorDiffAdd"}})',
    {
      '    ' .. ('word '):rep(20),
      'next',
    }
  )
  nvim:screen()
  local at = nvim:get('vim.fn.win_screenpos(...)', win)
  -- The bar, the line in two rows, the next one.
  local function looks(row, col)
    return nvim:get('vim.fn.screenattr(...)', at[1] + row, at[2] + col)
  end
  equal(nvim:get('vim.fn.screenstring(...)', at[1] + 2, at[2] + 5), 'w')
  equal(looks(2, 2), looks(1, 2))
  equal(looks(2, 6), looks(1, 6))
  assert(looks(3, 2) ~= looks(2, 2), 'only where it is')
end)

T['a row is tinted to its end, below the marks of its words, also where no row follows'] = test(
  nil,
  function(nvim)
    open(nvim)
    nvim:lua(
      [[T.paint("s1", {"+ab"}, {{"tint", 0, "AgorDiffAddLine"}, {"mark", 0, 1, 2, "AgorBold"}})]]
    )
    local marks = nvim:get(
      'vim.api.nvim_buf_get_extmarks(vim.fn.bufnr("^agor://s1$"), require("agor.ui.transcript").ns.text, 0, -1, {details = true})'
    )
    local found = {}
    for _, m in ipairs(marks) do
      local at = m[4]
      found[at.virt_text_pos or at.hl_group] = { m[3], at.end_col, at.priority }
    end
    equal(found.AgorDiffAddLine, { 0, 3, 4000 })
    equal(found.overlay[1], 3)
    equal(found.AgorBold[3] > 4000, true)
  end
)

T['a patch on another revision is stale and changes nothing'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('T.paint("s1", {"a"})')
  equal(
    nvim:get(
      'require("agor.ui.transcript").apply({buf = vim.fn.bufnr("^agor://s1$"), base = 77, rev = 78, ops = {{"add", -1, {"x"}}}})'
    ),
    'stale'
  )
  equal(nvim:get(TEXT), { 'a' })
end)

T['a wiped or unloaded buffer is gone'] = test(nil, function(nvim)
  nvim:lua('T.session("s1")')
  for _, command in ipairs({ 'bwipeout!', 'bunload!', 'bdelete!' }) do
    local buf = nvim:get('select(2, T.paint("s1", {"a"}))')
    equal(nvim:get('require("agor.ui.transcript").revision(...) > 0', buf), true)
    nvim:cmd(command .. ' ' .. buf)
    equal(
      nvim:get(
        'require("agor.ui.transcript").apply({buf = ..., base = 0, rev = 9, ops = {{"add", -1, {"x"}}}})',
        buf
      ),
      'gone',
      command
    )
    equal(nvim:get('T.paint("s1", {"again"})'), 'ok', command)
  end
end)

T['locked text is busy: nothing is lost, and the same patch works later'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua([[
    T.paint('s1', { 'a', 'b' }, { { 'mark', 0, 0, 1, 'AgorBold' } })
    function _G.locked()
      Result = {
        T.patch('s1', { { 'set', 0, 1, { 'A' } } }),
        T.patch('s1', { { 'add', -1, { 'x' } } }),
        #vim.api.nvim_buf_get_extmarks(vim.fn.bufnr('^agor://s1$'), require('agor.ui.transcript').ns.text, 0, -1, {}),
      }
      return ''
    end
    vim.keymap.set('n', 'X', 'v:lua.locked()', { expr = true })
  ]])
  nvim:type('X')
  equal(nvim:get('Result'), { 'busy', 'busy', 1 })
  equal(nvim:get(TEXT), { 'a', 'b' })
  equal(nvim:get('vim.bo[vim.fn.bufnr("^agor://s1$")].modifiable'), false)
  equal(nvim:get('T.patch("s1", {{"set", 0, 1, {"A"}}})'), 'ok')
  equal(nvim:get(TEXT), { 'A', 'b' })
end)

T['a patch that breaks in the middle asks for a repaint'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('T.paint("s1", {"a"})')
  equal(nvim:get('T.patch("s1", {{"add", -1, {"b"}}, {"nonsense"}})'), 'stale')
  equal(nvim:get('require("agor.ui.transcript").revision(vim.fn.bufnr("^agor://s1$"))'), -1)
  equal(nvim:get('#T.messages'), 1)
  equal(nvim:get('T.paint("s1", {"new"})'), 'ok')
  equal(nvim:get(TEXT), { 'new' })
end)

local function row(nvim, win)
  return nvim:get('vim.api.nvim_win_get_cursor(...)[1]', win)
end

T['keys go from turn to turn and from tool to tool'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua(
    'T.paint("s1", ..., {{"anchor", 2, "turn", "", 10, "turn", ""}, {"anchor", 4, "tool", "a"}, {"anchor", 6, "tool", "b"}})',
    numbered(20)
  )
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  local seen = {}
  for _, keys in ipairs({ 'gg]]', ']]', ']]', '[[', ']t', ']t', '[t', 'gg2]]', 'G[[' }) do
    nvim:type(keys)
    seen[#seen + 1] = row(nvim, win)
  end
  equal(seen, { 3, 11, 11, 3, 5, 7, 5, 11, 11 })
end)

T['fold keys ask the backend'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", ...)', numbered(5))
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  nvim:type('3G<CR>zazozczRzM')
  local actions = {}
  for _, fold in ipairs(nvim:get('T.told("fold")')) do
    equal({ fold.session_id, fold.row }, { 's1', 2 })
    actions[#actions + 1] = fold.action
  end
  equal(actions, { 'toggle', 'toggle', 'open', 'close', 'open_all', 'close_all' })
end)

T['gf opens file, line and column in the last file window, or in a new one'] = test(
  nil,
  function(nvim)
    local dir = nvim.home .. '/a project'
    vim.fn.mkdir(dir .. '/src', 'p')
    vim.fn.writefile({ 'one', 'two', 'three' }, dir .. '/src/lib.rs')
    vim.fn.writefile({ 'x' }, dir .. '/with space.txt')
    vim.fn.writefile({ 'x' }, dir .. '/größe.txt')
    local file_win = nvim:get('vim.api.nvim_get_current_win()')
    nvim:lua('T.session("s1", {cwd = ...}) require("agor.ui.pane").open("s1")', dir)
    local win = nvim:get('vim.fn.bufwinid("agor://s1")')
    nvim:lua('T.paint("s1", ...)', {
      'see src/lib.rs:2:2, or',
      'see `with space.txt` and (src/lib.rs:3).',
      'größe.txt',
      'term://sh',
      'nothing.here:3',
    })
    local function go(keys)
      nvim:lua('vim.api.nvim_set_current_win(...)', win)
      nvim:type(keys)
      return nvim:get(
        '{ vim.fn.expand("%:t"), vim.fn.line("."), vim.fn.col("."), vim.api.nvim_get_current_win() }'
      )
    end
    equal(go('gg8|gf'), { 'lib.rs', 2, 2, file_win })
    equal(go('2G8|gf'), { 'with space.txt', 1, 1, file_win })
    equal(go('2G35|gd'), { 'lib.rs', 3, 1, file_win })
    equal(go('3G0gf'), { 'größe.txt', 1, 1, file_win })
    equal(go('4G0gf')[4], win)
    equal(go('5G0gf')[4], win)
    equal(#nvim:get('T.messages'), 2)
    nvim:lua('vim.api.nvim_win_close(..., true)', file_win)
    nvim:settle()
    local last = go('gg8|gf')
    equal({ last[1], last[2], last[4] ~= win }, { 'lib.rs', 2, true })
    equal(nvim:get('vim.api.nvim_win_get_width(...)', win), 64)
    equal(nvim:get('vim.fn.bufexists("term://sh")'), 0)
  end
)

T['gf from the mark of a tool call finds the file in its line'] = test(nil, function(nvim)
  vim.fn.writefile({ 'x', 'y' }, nvim.home .. '/a.txt')
  local file_win = nvim:get('vim.api.nvim_get_current_win()')
  nvim:lua('T.session("s1", { cwd = ... }) require("agor.ui.pane").open("s1")', nvim.home)
  nvim:lua(
    'T.paint("s1", ..., {{"anchor", 1, "tool", "a"}, {"anchor", 2, "tool", "b"}})',
    { 'words', '● Edit a.txt:2  done', '● Bash  make', '● a.txt' }
  )
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.bufwinid("agor://s1"))')
  nvim:type('gg]t]tgf')
  equal(nvim:get('T.messages')[1], { 'warn', 'There is no file in this line' })
  nvim:type('jgf')
  equal(nvim:get('vim.bo.filetype'), 'agor')
  nvim:type('gg]tgf')
  equal(
    nvim:get('{ vim.fn.expand("%:t"), vim.fn.line("."), vim.api.nvim_get_current_win() }'),
    { 'a.txt', 2, file_win }
  )
end)

T['reading a place never throws, whatever the line'] = test(nil, function(nvim)
  local jump = [[require('agor.ui.jump').places(...)]]
  equal(nvim:get(jump, 'at src/a.rs:10:3', 5)[1], { path = 'src/a.rs', line = 10, col = 3 })
  equal(nvim:get(jump, '#src/a.rs:10-20', 5)[1].line, 10)
  equal(nvim:get(jump, 'x `a b.c`:7', 5)[1], { path = 'a b.c', line = 7 })
  for _, line in ipairs({
    '',
    ' ',
    '`',
    '``',
    '"":3',
    '((((',
    '\255\254',
    '%s%d%',
    'a:99999999999999999999',
  }) do
    for col = 0, #line do
      nvim:get(jump, line, col)
    end
  end
end)

T['user mappings win over ours, and keys = false sets none'] = test(nil, function(nvim)
  nvim:cmd('nmap ,q <Plug>(agor-hide)')
  nvim:cmd('autocmd FileType agor nnoremap <buffer> zR <Cmd>let g:mine = 1<CR>')
  local win = open(nvim)
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  equal(nvim:get('vim.fn.maparg("q", "n")'), '')
  contains(nvim:get('vim.fn.maparg("zR", "n")'), 'mine')
  equal(nvim:get('vim.fn.maparg("zM", "n")'), '<Plug>(agor-fold-close-all)')
  nvim:type('g?')
  contains(nvim:screen(), ',q')
  contains(nvim:screen(), 'next tool call')
  nvim:type('q')
  nvim:type(',q')
  equal(nvim:get('require("agor.ui.pane").is_open()'), false)
  nvim:lua('T.config.keys = false T.session("s2")')
  nvim:lua('vim.api.nvim_set_current_buf(require("agor.ui.transcript").buffer("s2"))')
  equal(nvim:get('vim.fn.maparg("zM", "n")'), '')
  equal(
    nvim:get(
      'vim.fn.maparg("<Plug>(agor-fold-close-all)", "n") ~= "" or vim.fn.maparg("<Plug>(agor-fold-close-all)", "n", false, true).callback ~= nil'
    ),
    true
  )
end)

T['edit again empties it and asks the backend to paint'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  open(nvim)
  nvim:lua('T.paint("s1", {"a", "b"})')
  nvim:cmd('wincmd l')
  nvim:settle()
  local count = #nvim:get('T.told("views")')
  nvim:cmd('edit')
  nvim:settle()
  local views = nvim:get('T.told("views")')
  -- Hidden and shown again, in the backend's eyes: then it is painted whole.
  equal(#views, count + 2)
  equal({ #views[count + 1].views, #views[count + 2].views }, { 0, 1 })
  equal(nvim:get('T.paint("s1", {"a", "b"})'), 'ok')
  equal(nvim:get(TEXT), { 'a', 'b' })
  equal(
    nvim:get('{ vim.bo.modifiable, vim.bo.undolevels, vim.bo.filetype }'),
    { false, -1, 'agor' }
  )
end)

T['a name that is no session says so and is not shown to the backend'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  nvim:cmd('edit agor://no/such/thing')
  contains(nvim:get('vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]'), 'names no session')
  nvim:cmd('edit agor://unknown')
  contains(nvim:get('vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]'), "no session 'unknown'")
  nvim:settle()
  equal(nvim:get('T.told("views")'), {})
  equal(nvim:get('vim.bo.modifiable'), false)
end)

T['a session from disk finds its journal'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  nvim:lua([[
    local dir = vim.fn.stdpath('data') .. '/agor/sessions'
    vim.fn.mkdir(dir, 'p')
    vim.fn.writefile({ '{}' }, dir .. '/old.1.ndjson')
  ]])
  nvim:cmd('edit agor://old.1')
  nvim:settle()
  local views = nvim:get('T.told("views")')
  equal(views[#views].views[1].session_id, 'old.1')
  -- No pane was opened, and what one sets up is there all the same.
  equal(nvim:get('vim.fn.hlexists("AgorDim")'), 1)
end)

T['mksession brings the pane back'] = test(nil, function(nvim)
  local path = nvim.home .. '/Session.vim'
  open(nvim)
  nvim:lua('T.paint("s1", {"a"})')
  nvim:cmd('mksession ' .. path)
  local home = nvim.home
  child.test({ home = home }, function(again)
    again:cmd(
      'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
    )
    again:cmd('autocmd SessionLoadPost * lua require("agor.ui.transcript").restore()')
    again:lua('T.session("s1")')
    again:cmd('source ' .. path)
    again:settle()
    equal(again:get('require("agor.ui.pane").is_open()'), true)
    equal(again:get('vim.bo[vim.fn.bufnr("^agor://s1$")].filetype'), 'agor')
    equal(again:get('vim.bo[vim.fn.bufnr("^agor://s1/prompt$")].filetype'), 'agor-prompt')
    local views = again:get('T.told("views")')
    equal(views[#views].views[1].session_id, 's1')
  end)()
end)

T['write to a file works'] = test(nil, function(nvim)
  local win = open(nvim)
  nvim:lua('T.paint("s1", {"a", "ü"})')
  nvim:lua('vim.api.nvim_set_current_win(...)', win)
  nvim:cmd('write ' .. nvim.home .. '/out.md')
  equal(vim.fn.readfile(nvim.home .. '/out.md'), { 'a', 'ü' })
end)

T['wiping a transcript leaves the session, and open shows it again'] = test(nil, function(nvim)
  open(nvim)
  nvim:cmd('bwipeout! agor://s1')
  nvim:settle()
  equal(nvim:get('T.calls'), {})
  open(nvim)
  equal(nvim:get('T.paint("s1", {"back"})'), 'ok')
  contains(nvim:screen(), 'back')
end)

T['a transcript outlives a reload of the modules'] = test(nil, function(nvim)
  nvim:cmd(
    'autocmd BufReadCmd agor://* lua require("agor.ui.transcript").read(vim.fn.expand("<abuf>") + 0)'
  )
  open(nvim)
  nvim:lua([[
    T.paint('s1', { 'a' })
    for name in pairs(package.loaded) do
      if name:find('^agor%.ui') then
        package.loaded[name] = nil
      end
    end
  ]])
  equal(nvim:get('T.patch("s1", {{"add", -1, {"b"}}})'), 'ok')
  equal(nvim:get(TEXT), { 'ab' })
  equal(nvim:get('require("agor.ui.pane").is_open()'), true)
  nvim:settle()
  -- The backend believes it painted: only a list without it and one with it makes it paint anew.
  local count = #nvim:get('T.told("views")')
  nvim:lua([[
    local win = vim.fn.win_findbuf(vim.fn.bufnr('agor://s1'))[1]
    vim.api.nvim_win_call(win, vim.cmd.edit)
  ]])
  nvim:settle()
  local views = nvim:get('T.told("views")')
  equal(#views, count + 2)
  equal({ #views[count + 1].views, #views[count + 2].views }, { 0, 1 })
  nvim:cmd('set number | split | buffer agor://s1')
  equal(nvim:get('{ vim.wo.number, vim.wo.conceallevel }'), { false, 2 })
end)

return T
