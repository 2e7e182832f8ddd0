--- The prompt: drafts, keys, sending.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local function open(nvim, fields)
  nvim:lua('T.session("s1", ...) require("agor.ui.prompt").focus("s1")', fields or vim.empty_dict())
  nvim:settle()
end

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local HEIGHT = 'vim.api.nvim_win_get_height(vim.fn.bufwinid("agor://s1/prompt"))'

local ONE = {
  path = 'src/main.rs',
  first_line = 10,
  last_line = 20,
  filetype = 'rust',
  text = 'fn main() {\n}\n',
}

T['insert C-s sends, stays in insert mode, and empties in one undo step'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('Why <lt>so| "x" %#?<CR>  second')
  nvim:type('<C-s>')
  local sent = nvim:get('T.sent')
  equal(#sent, 1)
  equal(sent[1].text, 'Why <so| "x" %#?\n  second')
  equal(sent[1].opts.session, 's1')
  equal(nvim:mode(), 'i')
  equal(nvim:get(LINES), { '' })
  nvim:type('<Esc>u')
  equal(nvim:get(LINES), { 'Why <so| "x" %#?', '  second' })
end)

T['normal CR sends and stays in the prompt'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('hello<Esc><CR>')
  equal(nvim:get('T.sent[1].text'), 'hello')
  equal(nvim:mode(), 'n')
  equal(nvim:get('vim.bo.filetype'), 'agor-prompt')
end)

T['insert CR is a new line, and insert C-c leaves insert mode'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('a<CR>b')
  equal(nvim:get(LINES), { 'a', 'b' })
  nvim:type('<C-c>')
  equal(nvim:mode(), 'n')
  equal(nvim:get('T.calls'), {})
  nvim:type('<C-c>')
  equal(nvim:get('T.calls'), { { 'interrupt', 's1' } })
end)

T['an empty draft is not sent'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('<C-s>')
  nvim:type('  <CR> <C-s>')
  equal(nvim:get('T.sent'), {})
end)

T['a draft that is refused stays, and the reason is said'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('T.refuse = "the session is over"')
  nvim:type('keep me<C-s>')
  equal(nvim:get(LINES), { 'keep me' })
  equal(nvim:get('T.messages'), { { 'error', 'the session is over' } })
end)

T['it grows from 3 to 10 lines at the cost of the transcript only'] = test(
  { columns = 100, lines = 40 },
  function(nvim)
    open(nvim)
    local file = nvim:get('vim.api.nvim_win_get_height(vim.fn.win_getid(1))')
    equal(nvim:get(HEIGHT), 3)
    nvim:type('1<CR>2<CR>3<CR>4<CR>5')
    equal(nvim:get(HEIGHT), 5)
    nvim:type(('<CR>x'):rep(20))
    equal(nvim:get(HEIGHT), 10)
    equal(nvim:get('vim.api.nvim_win_get_height(vim.fn.win_getid(1))'), file)
    nvim:type('<C-s>')
    equal(nvim:get(HEIGHT), 3)
    equal(nvim:get('vim.api.nvim_win_get_height(vim.fn.win_getid(1))'), file)
  end
)

T['at the right edge it grows too, without moving other windows'] = test(nil, function(nvim)
  nvim:cmd('split')
  open(nvim)
  local before = nvim:sizes()
  nvim:type('1<CR>2<CR>3<CR>4<CR>5')
  equal(nvim:get(HEIGHT), 5)
  nvim:type('<C-s>')
  equal(nvim:sizes(), before)
end)

T['attachments are lines on top: sent with the words, dropped with the line'] = test(
  nil,
  function(nvim)
    open(nvim)
    nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
    local two =
      vim.tbl_extend('force', ONE, { first_line = 3, last_line = 3, text = 'x', unsaved = true })
    nvim:lua('require("agor.ui.prompt").attach("s1", ...)', two)
    nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
    nvim:type('explain')
    equal(nvim:get(LINES), { '#src/main.rs:10-20', '#src/main.rs:3', 'explain' })
    contains(nvim:screen(), '2 lines')
    contains(nvim:screen(), '1 line, unsaved')
    nvim:type('<Esc>ggdd<CR>')
    local sent = nvim:get('T.sent')
    equal(#sent, 1)
    equal(sent[1].text, 'explain')
    equal(sent[1].opts.context, { two })
  end
)

T['an attachment without words is sent'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
  nvim:type('<C-s>')
  equal(nvim:get('T.sent[1].text'), '')
  equal(nvim:get('T.sent[1].opts.context'), { ONE })
end)

T['the same lines with another text are another attachment'] = test(nil, function(nvim)
  open(nvim)
  nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
  nvim:lua(
    'require("agor.ui.prompt").attach("s1", ...)',
    vim.tbl_extend('force', ONE, { text = 'new' })
  )
  equal(nvim:get(LINES), { '#src/main.rs:10-20', '#src/main.rs:10-20 (2)', '' })
  nvim:type('<C-s>')
  equal(#nvim:get('T.sent[1].opts.context'), 2)
end)

T['a heading that is no attachment is text'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('#src/main.rs:10-20<CR># Title<C-s>')
  equal(nvim:get('T.sent[1].text'), '#src/main.rs:10-20\n# Title')
  equal(nvim:get('T.sent[1].opts.context'), {})
end)

T['K shows an attachment and gf goes there'] = test(nil, function(nvim)
  vim.fn.mkdir(nvim.home .. '/src', 'p')
  vim.fn.writefile(vim.fn['repeat']({ 'x' }, 30), nvim.home .. '/src/main.rs')
  open(nvim, { cwd = nvim.home })
  nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
  nvim:type('<Esc>gg')
  nvim:type('K')
  contains(nvim:screen(), 'fn main() {')
  nvim:type('gf')
  equal(nvim:get('{ vim.fn.expand("%:t"), vim.fn.line(".") }'), { 'main.rs', 10 })
end)

T['K shows all of an attachment, above the prompt, and does nothing on another line'] = test(
  nil,
  function(nvim)
    open(nvim)
    local lines = {}
    for i = 1, 10 do
      lines[i] = ('line %d.'):format(i)
    end
    local context = vim.tbl_extend('force', ONE, { text = table.concat(lines, '\n') })
    nvim:lua('require("agor.ui.prompt").attach("s1", ...)', context)
    nvim:type('words<Esc>')
    local count = nvim:get('#vim.api.nvim_list_wins()')
    nvim:type('GK')
    equal(nvim:get('#vim.api.nvim_list_wins()'), count)
    nvim:type('ggK')
    contains(nvim:screen(), 'line 1.')
    contains(nvim:screen(), 'line 10.')
    contains(nvim:screen(), '#src/main.rs:10-20')
    -- Once more, and the cursor is in it.
    nvim:type('K')
    equal(nvim:get('vim.api.nvim_get_current_line()'), 'line 1.')
  end
)

T['what could not be delivered comes back above what was written since'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('new words')
  nvim:lua(
    'require("agor.ui.prompt").restore("s1", { text = "old\\nwords", context = { ... } })',
    ONE
  )
  equal(nvim:get(LINES), { '#src/main.rs:10-20', 'old', 'words', '', 'new words' })
  nvim:type('<C-s>')
  nvim:lua('require("agor.ui.prompt").restore("s1", { text = "alone", context = {} })')
  equal(nvim:get(LINES), { 'alone' })
end)

T['inserted text is in the draft and not sent'] = test(nil, function(nvim)
  nvim:lua('T.session("s1") require("agor.ui.prompt").insert("s1", "a\\nb")')
  nvim:lua('require("agor.ui.prompt").insert("s1", "c")')
  equal(nvim:get(LINES), { 'a', 'b', 'c' })
  equal(nvim:get('T.sent'), {})
end)

T['history by arrows at the edges, with the draft at its end'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('first<C-s>')
  nvim:type('second<CR>line<C-s>')
  nvim:type('draft')
  nvim:type('<Up>')
  equal(nvim:get(LINES), { 'second', 'line' })
  nvim:type('<Up>')
  equal(nvim:get(LINES), { 'second', 'line' })
  nvim:type('<Up>')
  equal(nvim:get(LINES), { 'first' })
  nvim:type('<Up>')
  equal(nvim:get(LINES), { 'first' })
  nvim:type('<Down>')
  equal(nvim:get(LINES), { 'second', 'line' })
  nvim:type('<Down>')
  equal(nvim:get(LINES), { 'draft' })
  equal(nvim:mode(), 'i')
end)

T['the history is that of the directory, and other editors add to it'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('here<C-s>')
  nvim:lua('T.session("s2", { cwd = "/elsewhere" }) require("agor.ui.prompt").focus("s2")')
  nvim:type('<Up>')
  equal(nvim:get('vim.api.nvim_get_current_line()'), '')
  nvim:type('there<C-s>')
  local path = nvim.home .. '/data/nvim/agor/prompts/history.ndjson'
  local lines = vim.fn.readfile(path)
  table.insert(lines, vim.json.encode({ text = 'by another', cwd = '/elsewhere' }))
  table.insert(lines, '"of before"')
  vim.fn.writefile(lines, path)
  for _, text in ipairs({ 'of before', 'by another', 'there', 'there' }) do
    nvim:type('<Up>')
    equal(nvim:get('vim.api.nvim_get_current_line()'), text)
  end
end)

T['draft, attachments and history survive a restart, for the user alone'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('sent before<C-s>')
  nvim:lua('require("agor.ui.prompt").attach("s1", ...)', ONE)
  nvim:type('half a thought')
  nvim:quit()
  local home = nvim.home
  local folder = home .. '/data/nvim/agor/prompts'
  child.test({ home = home }, function(again)
    open(again)
    equal(again:get(LINES), { '#src/main.rs:10-20', 'half a thought' })
    for _, name in ipairs({ 's1.json', 'history.ndjson' }) do
      local stat = vim.uv.fs_stat(folder .. '/' .. name)
      assert(stat, name)
      equal(stat.mode % 512, 384, name)
    end
    equal(vim.uv.fs_stat(folder).mode % 512, 448)
    again:type('<C-s>')
    equal(again:get('T.sent[1].opts.context'), { ONE })
    equal(vim.uv.fs_stat(folder .. '/s1.json'), nil)
    again:type('<Up><Up>')
    equal(again:get(LINES), { 'sent before' })
  end)()
end)

T['a broken draft or history file is no obstacle'] = test(nil, function(nvim)
  local folder = nvim.home .. '/data/nvim/agor/prompts'
  vim.fn.mkdir(folder, 'p')
  vim.fn.writefile({ '{"lines": [1, {}], "att' }, folder .. '/s1.json')
  vim.fn.writefile({ 'garbage', '"good"', '{}' }, folder .. '/history.ndjson')
  open(nvim)
  equal(nvim:get(LINES), { '' })
  nvim:type('<Up>')
  equal(nvim:get(LINES), { 'good' })
end)

T['a folder that cannot be written is said once'] = test(nil, function(nvim)
  vim.fn.mkdir(nvim.home .. '/data/nvim', 'p')
  vim.fn.writefile({ '' }, nvim.home .. '/data/nvim/agor')
  open(nvim)
  nvim:type('one<C-s>')
  nvim:type('two<C-s>')
  equal(#nvim:get('T.sent'), 2)
  equal(#nvim:get('T.messages'), 1)
  contains(nvim:get('T.messages[1][2]'), 'cannot be kept')
end)

T['S-Tab cycles the mode that the agent offers'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('<Esc><S-Tab>')
  contains(nvim:get('T.messages[1][2]'), 'has not said yet')
  nvim:lua('T.session("s1", { capabilities = { logins = { { id = "key" } } } })')
  nvim:type('<S-Tab>')
  contains(nvim:get('T.messages[2][2]'), 'has not said yet')
  nvim:lua('T.session("s1", { capabilities = { interrupt = true } })')
  nvim:type('<S-Tab>')
  contains(nvim:get('T.messages[3][2]'), 'claude offers no modes')
  nvim:lua(
    'T.session("s1", { mode = "b", capabilities = { set_mode = true, modes = { { id = "a" }, { id = "b" } } } })'
  )
  nvim:type('<S-Tab>')
  equal(nvim:get('T.told("set_mode")'), { { session_id = 's1', value = 'a' } })
  nvim:type('iwords<S-Tab>')
  equal(#nvim:get('T.told("set_mode")'), 2)
  equal(nvim:get('vim.api.nvim_get_current_line()'), 'words')
  nvim:type(' words<C-x><C-n><S-Tab>')
  equal(#nvim:get('T.told("set_mode")'), 2, 'in a menu it goes up')
end)

T['under the draft stand what waits and what is not saved'] = test(nil, function(nvim)
  open(nvim)
  lacks(nvim:screen(), 'unsaved')
  nvim:type('fix the parser first<C-s>')
  nvim:lua(
    'T.session("s1", { queued = 1, waiting = { "fix the parser first" } }) T.unsaved = 2 '
      .. 'require("agor.ui.bar").refresh({ "s1" })'
  )
  local screen = nvim:screen()
  contains(screen, '1 queued: fix the parser first')
  contains(screen, '2 unsaved files here')
  nvim:lua('T.config.unsaved = "ignore" require("agor.ui.bar").refresh({ "s1" })')
  lacks(nvim:screen(), 'unsaved')
end)

T['the empty prompt says how it is sent'] = test(nil, function(nvim)
  open(nvim)
  contains(nvim:screen(), 'Ask claude')
  contains(nvim:screen(), '<CR> sends')
  nvim:type('x')
  lacks(nvim:screen(), 'Ask claude')
end)

return T
