-- `#words` of a prompt: where they are words, what they bring along, and what is said where there is nothing.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local CONTEXT = 'T.sent[#T.sent].opts.context'

local function open(nvim, name, lines)
  if name then
    vim.fn.mkdir(nvim.home .. '/p', 'p')
    vim.fn.writefile(lines, nvim.home .. '/p/' .. name)
    nvim:cmd('edit ' .. nvim.home .. '/p/' .. name)
  end
  return function()
    nvim:lua(
      'T.session("s1", { cwd = ... }) require("agor.ui.prompt").focus("s1")',
      nvim.home .. '/p'
    )
    nvim:settle()
  end
end

T['they stand alone, after white space; all else is text'] = test(nil, function(nvim)
  local function words(line)
    return nvim:get(
      'vim.tbl_map(function(p) return p.word end, require("agor.mentions").places(...))',
      line
    )
  end
  equal(words('#diff and (#staged), see #buffer.'), { '#diff', '#staged', '#buffer' })
  equal(words('#diff.'), { '#diff' })
  for _, line in ipairs({
    '# diff',
    '#123',
    'a#diff',
    '##diff',
    '#diff.lua',
    '#differ',
    '#diff-x',
    '#x',
  }) do
    equal(words(line), {}, line)
  end
end)

T['the buffer of the code window goes along whole, as it is on the screen'] = test(
  nil,
  function(nvim)
    local focus = open(nvim, 'a.lua', { 'local x', 'return x' })
    nvim:type('A = 1<Esc>')
    focus()
    nvim:type('why #buffer and again #buffer?<C-s>')
    equal(nvim:get('T.sent[1].text'), 'why #buffer and again #buffer?')
    equal(nvim:get(CONTEXT), {
      {
        path = 'a.lua',
        first_line = 0,
        last_line = 0,
        filetype = 'lua',
        text = 'local x = 1\nreturn x',
        unsaved = true,
        word = '#buffer',
      },
    })
    equal(nvim:get(LINES), { '' })
  end
)

T['the last selection goes along with its lines, and nothing of it is touched'] = test(
  nil,
  function(nvim)
    local focus = open(nvim, 'a.txt', { 'one two', 'three ä four' })
    nvim:type('wvjey<Esc>')
    nvim:lua('vim.fn.setreg("z", "kept")')
    local column = nvim:get('vim.fn.getpos("\'>")')
    focus()
    nvim:type('#selection<C-s>')
    local sent = nvim:get(CONTEXT)[1]
    equal({ sent.path, sent.first_line, sent.last_line, sent.text }, {
      'a.txt',
      1,
      2,
      'two\nthree ä',
    })
    equal(nvim:get('vim.fn.getreg("z")'), 'kept')
    equal(nvim:mode(), 'i')
    nvim:type('<Esc>')
    nvim:cmd('wincmd h')
    equal(nvim:get('vim.fn.getpos("\'>")'), column)
  end
)

T['diagnostics and the quickfix list are text, the worst first'] = test(nil, function(nvim)
  local focus = open(nvim, 'a.lua', { 'local x', 'y()' })
  nvim:lua([[
    local ns = vim.api.nvim_create_namespace('test')
    vim.diagnostic.set(ns, 0, {
      { lnum = 0, col = 6, severity = 2, message = 'unused\nlocal', source = 'luals', code = 'unused' },
      { lnum = 1, col = 0, severity = 1, message = 'undefined' },
    })
    vim.fn.setqflist({ { bufnr = 0, filename = vim.api.nvim_buf_get_name(0), lnum = 2, col = 1, text = 'see here' } })
  ]])
  focus()
  nvim:type('fix #diagnostics of #quickfix<C-s>')
  local context = nvim:get(CONTEXT)
  equal(
    context[1].text,
    'a.lua:2:1: error: undefined\na.lua:1:7: warning: unused local [luals unused]'
  )
  equal(context[2].text, 'a.lua:2:1: see here')
  equal({ context[1].word, context[1].path }, { '#diagnostics', '' })
end)

T['all buffers of the directory, and none from elsewhere'] = test(nil, function(nvim)
  open(nvim, 'a.lua', { 'a' })
  local focus = open(nvim, 'b.lua', { 'b' })
  vim.fn.writefile({ 'secret' }, nvim.home .. '/other.txt')
  nvim:cmd('edit ' .. nvim.home .. '/other.txt')
  focus()
  nvim:type('#buffers<C-s>')
  local paths = vim.tbl_map(function(context)
    return context.path
  end, nvim:get(CONTEXT))
  table.sort(paths)
  equal(paths, { 'a.lua', 'b.lua' })
end)

T['what git says is left to the backend'] = test(nil, function(nvim)
  open(nvim)()
  nvim:type('see #staged<C-s>')
  local context = nvim:get(CONTEXT)[1]
  equal({ context.word, context.command, context.text }, { '#staged', 'git diff --staged', '' })
end)

T['where there is nothing the draft stays and the reason is said'] = test(nil, function(nvim)
  open(nvim)()
  for word, why in pairs({
    ['#selection'] = '#selection: nothing was selected in the buffer yet',
    ['#buffer'] = '#buffer: the buffer is empty',
    ['#buffers'] = '#buffers: no buffer has a file of ' .. nvim.home .. '/p',
    ['#diagnostics'] = '#diagnostics: there are no diagnostics for files of ' .. nvim.home .. '/p',
    ['#quickfix'] = '#quickfix: the quickfix list is empty',
  }) do
    nvim:lua('T.messages = {}')
    nvim:type('<C-u>see ' .. word .. '<C-e> <C-s>')
    equal(nvim:get('T.messages'), { { 'error', why } })
    equal(nvim:get(LINES), { 'see ' .. word .. ' ' })
  end
  equal(nvim:get('T.sent'), {})
end)

T['what is too long is not sent'] = test(nil, function(nvim)
  local line = ('x'):rep(1023)
  local lines = {}
  for i = 1, 300 do
    lines[i] = line
  end
  open(nvim, 'long.txt', lines)()
  nvim:type('#buffer<C-s>')
  contains(
    nvim:get('T.messages[1][2]'),
    '#buffer: long.txt has 300 KiB, more than 256 KiB: write @'
  )
  equal(nvim:get('T.sent'), {})
end)

T['K shows what a word stands for now'] = test(nil, function(nvim)
  open(nvim, 'a.lua', { 'local shown = 1' })()
  nvim:lua([[
    T.text_file = vim.fn.tempname()
    vim.fn.writefile({ '+what git says' }, T.text_file)
    T.results_of.gather = function() return { text_file = T.text_file } end
  ]])
  nvim:type('see #buffer or #diff or #selection<Esc>')
  nvim:type('0fbK')
  contains(nvim:screen(), ' a.lua ')
  nvim:type('0wfdK')
  nvim:wait('#T.told("gather") == 1')
  local asked = nvim:get('T.told("gather")[1].context')
  equal({ asked.word, asked.command, asked.text }, { '#diff', 'git diff', '' })
  contains(nvim:screen(), '+what git says')
  equal(nvim:get('vim.uv.fs_stat(T.text_file) == nil'), true)
  nvim:type('$K')
  contains(nvim:get('T.messages[1][2]'), 'nothing was selected in a.lua yet')
  local count = nvim:get('#vim.api.nvim_list_wins()')
  nvim:type('0K')
  equal(nvim:get('#vim.api.nvim_list_wins()') <= count, true)
end)

T['a prompt that comes back has its words in the text, and no lines for them'] = test(
  nil,
  function(nvim)
    open(nvim)()
    nvim:lua(
      'require("agor.ui.prompt").restore("s1", { text = "see #diff", context = { ... } })',
      { path = '', word = '#diff', command = 'git diff', text = '', first_line = 0, last_line = 0 }
    )
    equal(nvim:get(LINES), { 'see #diff' })
    lacks(nvim:screen(), '[No Name]:')
  end
)

return T
