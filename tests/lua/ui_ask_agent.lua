--- What agents ask beside permissions: plans to approve, questions of their own, secrets, pages to open.

local asking = require('support.asking')
local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks
local permission, question, clock, focus =
  asking.permission, asking.question, asking.clock, asking.focus

local T = {}

T['a plan is shown, edited and approved as written'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, {
    tool = 'plan',
    title = 'Plan',
    input = { plan = '# Plan\n\n1. do', other = 5 },
    lines = { '# Plan', '', '1. do' },
  })
  contains(nvim:screen(), 'claude has a plan')
  contains(nvim:screen(), '1. do')
  focus(nvim)
  nvim:type('e')
  equal(nvim:get('{ vim.bo.filetype, vim.bo.buftype }'), { 'markdown', 'acwrite' })
  nvim:type('Go2. test<Esc>')
  nvim:cmd('write')
  equal(nvim:get('T.answers'), {
    {
      session = 's1',
      request = 'r1',
      option = 'yes',
      opts = { input = { plan = '# Plan\n\n1. do\n2. test', other = 5 } },
    },
  })
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), '')
end)

T['a plan that is not written is still open, and a settled one is not sent'] = test(
  nil,
  function(nvim)
    clock(nvim)
    permission(nvim, { tool = 'plan', input = { plan = 'x' }, lines = { 'x' } })
    focus(nvim)
    nvim:type('e')
    nvim:cmd('quit')
    equal(nvim:get('require("agor.ui.ask").count()'), 1)
    focus(nvim)
    nvim:type('e')
    nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
    nvim:cmd('write')
    equal(nvim:get('T.answers'), {})
    contains(nvim:get('T.messages[1][2]'), 'settled already')
  end
)

T['e without a plan does nothing'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('e')
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
end)

local STORE = {
  id = 'Which store?',
  header = 'Store',
  text = 'Which store?',
  multi = false,
  secret = false,
  allow_other = true,
  options = {
    { label = 'SQLite', description = 'one file' },
    { label = 'Postgres', description = '' },
  },
}
local KEEP = {
  id = 'Keep what?',
  header = 'Keep',
  text = 'Keep what?',
  multi = true,
  secret = false,
  allow_other = true,
  options = { { label = 'History' }, { label = 'Cost' } },
}

T['questions are asked one after the other, several choices where allowed'] = test(
  nil,
  function(nvim)
    clock(nvim)
    question(nvim, { STORE, KEEP })
    local screen = nvim:screen()
    for _, part in ipairs({
      'Store (1 of 2)',
      'Which store?',
      '1 SQLite',
      'one file',
      '3 Something else',
    }) do
      contains(screen, part)
    end
    focus(nvim)
    nvim:type('2')
    contains(nvim:screen(), 'Keep (2 of 2)')
    nvim:type('1')
    equal(nvim:get('T.answers'), {})
    nvim:lua('Now = Now + 301')
    nvim:type('12')
    nvim:type('1')
    contains(nvim:screen(), '◼ Cost')
    contains(nvim:screen(), '◻ History')
    nvim:type('3')
    nvim:type('the logs<CR>')
    contains(nvim:screen(), 'the logs')
    nvim:type('<CR>')
    equal(nvim:get('T.answers'), {
      {
        session = 's1',
        request = 'q1',
        opts = {
          answers = { ['Which store?'] = { 'Postgres' }, ['Keep what?'] = { 'Cost', 'the logs' } },
        },
      },
    })
  end
)

T['free text is an answer, and the question before can be asked again'] = test(nil, function(nvim)
  clock(nvim)
  question(nvim, { STORE, KEEP })
  focus(nvim)
  nvim:type('1')
  nvim:lua('Now = Now + 301')
  nvim:type('<BS>')
  nvim:lua('Now = Now + 301')
  nvim:type('3')
  nvim:type('a file %x<CR>')
  nvim:lua('Now = Now + 301')
  nvim:type('<Space><CR>')
  equal(
    nvim:get('T.answers[1].opts.answers'),
    { ['Which store?'] = { 'a file %x' }, ['Keep what?'] = { 'History' } }
  )
end)

T['r declines a question'] = test(nil, function(nvim)
  clock(nvim)
  question(nvim, { STORE })
  focus(nvim)
  nvim:type('r')
  equal(nvim:get('T.answers[1].opts'), { cancel = true })
end)

T['a secret is neither shown nor kept'] = test(nil, function(nvim)
  clock(nvim)
  question(nvim, {
    {
      id = 'k',
      header = 'Key',
      text = 'Your key?',
      multi = false,
      secret = true,
      allow_other = true,
      options = {},
    },
  })
  focus(nvim)
  nvim:type('1')
  nvim:type('hunter2')
  lacks(nvim:screen(), 'hunter2')
  nvim:type('<CR>')
  equal(nvim:get('T.answers[1].opts.answers'), { k = { 'hunter2' } })
  lacks(nvim:get('vim.fn.execute("messages")') .. nvim:screen(), 'hunter2')
  equal(nvim:get('vim.fn.histget("input")'), '')
end)

---@param nvim agor.Child
---@param url string
---@param text string
local function page(nvim, url, text)
  nvim:lua(
    [[
      local url, text = ...
      T.session('s1')
      _G.opened = {}
      vim.ui.open = function(address)
        table.insert(_G.opened, address)
        if _G.no_browser then return nil, 'no handler found' end
        return {}, nil
      end
      require('agor.ui.ask').on_question({ session_id = 's1', request_id = 'q1', url = url, questions = { {
        id = 'open', header = 'github', text = text, multi = false, secret = false, allow_other = false,
        options = { { label = 'Yes', description = url }, { label = 'No', description = '' } },
      } } })
    ]],
    url,
    text
  )
  nvim:settle()
end

T['a page is shown by its whole address and opened by a key or by saying yes'] = test(
  nil,
  function(nvim)
    clock(nvim)
    local url = 'https://example.org/device?code=' .. ('x'):rep(100) .. 'END'
    page(nvim, url, 'Log in there.')
    local shown = nvim:screen():gsub('[^%w]', '')
    contains(shown, (url:gsub('[^%w]', '')))
    equal(select(2, shown:gsub('END', '')), 1)
    equal(nvim:get('opened'), {})
    focus(nvim)
    contains(nvim:screen(), 'o opens the page')
    nvim:type('o')
    equal(nvim:get('opened'), { url })
    equal(nvim:get('T.answers'), {})
    nvim:type('1')
    equal(nvim:get('T.answers[1].opts.answers'), { open = { 'Yes' } })
    equal(nvim:get('opened'), { url })
    page(nvim, 'http://127.0.0.1/x', 'Open http://127.0.0.1/x?')
    focus(nvim)
    nvim:type('1')
    equal(nvim:get('opened'), { 'http://127.0.0.1/x' })
    page(nvim, url, 'Once more.')
    focus(nvim)
    nvim:type('2')
    equal(nvim:get('opened'), {})
  end
)

T['an address that is no page is shown and not opened, and a missing browser is told'] = test(
  nil,
  function(nvim)
    clock(nvim)
    for _, odd in ipairs({ 'file:///etc/passwd', 'javascript:x', 'https://a b', 'https://' }) do
      page(nvim, odd, 'Open?')
      contains(nvim:screen(), 'Only addresses that begin with')
      focus(nvim)
      nvim:type('o')
      equal(nvim:get('opened'), {})
      contains(nvim:get('T.messages[#T.messages][2]'), 'this address is not opened')
      nvim:type('r')
    end
    page(nvim, 'https://a.b/c', 'Open?')
    nvim:lua('_G.no_browser = true')
    focus(nvim)
    nvim:type('o')
    contains(
      nvim:get('T.messages[#T.messages][2]'),
      'the page could not be opened (no handler found): https://a.b/c'
    )
    equal(nvim:get('#T.answers'), 4)
  end
)

T['what agor asks itself says so, and a <CR> out of habit starts nothing'] = test(
  nil,
  function(nvim)
    clock(nvim)
    permission(nvim, {
      tool = 'project files',
      title = 'May Claude Code obey what the project brings along?',
      lines = { '  .mcp.json' },
      ours = true,
      options = {
        { option_id = 'use', name = 'Use them', kind = 'allow_always' },
        { option_id = 'refuse', name = 'Start without them', kind = 'reject_always' },
        { option_id = 'not_now', name = 'Do not start now', kind = 'reject_once' },
      },
    })
    local screen = nvim:screen()
    contains(screen, 'before claude starts')
    lacks(screen, 'claude asks')
    contains(screen, '.mcp.json')
    equal(nvim:get([[require('agor.ui.ask').items()[1].at]]), 3)
    focus(nvim)
    contains(nvim:screen(), 'K what is in them')
    -- Nobody would read the reason.
    nvim:type('r')
    lacks(nvim:screen(), 'Why not?')
    lacks(nvim:screen(), 'with a reason')
    -- Where the answer holds for one start only, two of them refuse once.
    nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
    permission(nvim, {
      request_id = 'r3',
      tool = 'project files',
      ours = true,
      options = {
        { option_id = 'use', name = 'Use them, this once', kind = 'allow_once' },
        { option_id = 'refuse', name = 'Start without them, this once', kind = 'reject_once' },
        { option_id = 'not_now', name = 'Do not start now', kind = 'reject_once' },
      },
    })
    equal(nvim:get([[require('agor.ui.ask').items()[1].at]]), 3)
    -- An agent's tool of the same name is the agent's.
    nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r3" })')
    permission(nvim, { request_id = 'r2', tool = 'project files' })
    contains(nvim:screen(), 'claude asks: project files')
  end
)

---A question of ours that names these files, each as it is called and where it is.
---@param nvim agor.test.Child
---@param files table[]
local function brought(nvim, files)
  local lines = vim.tbl_map(function(file)
    return vim.trim(('  %s  %s'):format(file.path, file.state)):gsub('^', '  ')
  end, files)
  permission(nvim, {
    tool = 'project files',
    title = 'May Claude Code obey what the project brings along?',
    lines = lines,
    cut = true,
    input = { project = '/p', files = files },
    ours = true,
    options = { { option_id = 'not_now', name = 'Do not start now', kind = 'reject_once' } },
  })
  focus(nvim)
end

T['gf opens a file that the project brings along beside the question, and obeys nothing in it'] = test(
  nil,
  function(nvim)
    clock(nvim)
    nvim:lua([[vim.cmd.cd(vim.fn.fnamemodify(vim.fn.tempname(), ':h'))
      vim.fn.writefile({ 'one', 'vim: set tw=7 :' }, 'a.json')
      vim.fn.mkdir('odd')
      vim.fn.writefile({ 'two' }, 'odd/%{1+1}|b.json')
      vim.o.modeline, vim.o.modelines = true, 5]])
    local here = nvim:get('vim.fn.getcwd()')
    brought(nvim, {
      { path = 'a.json', state = 'changed, written while claude ran', file = here .. '/a.json' },
      { path = 'odd/%{1+1}|b.json', state = '', file = here .. '/odd/%{1+1}|b.json' },
      { path = 'gone', state = '', file = here .. '/gone' },
      { path = 'scheme', state = '', file = 'term://touch owned' },
    })
    contains(nvim:screen(), 'gf opens one')
    -- What `K` shows: names, and further in what is in the files.
    local function go(row)
      nvim:lua(
        [[local item = require('agor.ui.ask').items()[1]
        local function beside(run) run() end
        require('agor.ui.detail').open('all', { 'a.json', '  gone', 'odd/%{1+1}|b.json', 'gone', 'scheme' }, {},
          function() require('agor.ui.ask_read').file(item, beside) end)
        vim.api.nvim_win_set_cursor(0, { ..., 0 })]],
        row
      )
      nvim:type('gf')
      nvim:settle()
    end
    for row, text in pairs({ 'one', 'one', 'two' }) do
      go(row)
      equal(nvim:get('{ vim.fn.getline(1), vim.bo.filetype }'), { text, 'json' })
      equal(nvim:get('vim.bo.textwidth'), 0)
    end
    for row, name in pairs({ [4] = 'gone', [5] = 'scheme' }) do
      go(row)
      contains(nvim:get('T.messages[#T.messages][2]'), name .. ' is not there as a plain file')
      nvim:type('q')
    end
    equal(nvim:get('#T.answers'), 0)
  end
)

T['gf in the question takes the only file, or asks which, and the question stays'] = test(
  nil,
  function(nvim)
    clock(nvim)
    nvim:lua([[vim.cmd.cd(vim.fn.fnamemodify(vim.fn.tempname(), ':h'))
    vim.fn.writefile({ 'one' }, 'a.json') vim.fn.writefile({ 'two' }, 'b.json')
    vim.ui.select = function(items, opts, chosen)
      _G.listed = vim.tbl_map(opts.format_item, items)
      chosen(items[2])
    end]])
    local here = nvim:get('vim.fn.getcwd()')
    local one = { path = 'a.json', state = '', file = here .. '/a.json' }
    brought(nvim, { one })
    nvim:type('gf')
    nvim:settle()
    equal(nvim:get('vim.fn.getline(1)'), 'one')
    equal(
      nvim:get('{ #T.answers, require("agor.ui.ask").items()[1].postponed or false }'),
      { 0, false }
    )
    contains(nvim:screen(), 'before claude starts')
    nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
    brought(nvim, { one, { path = 'b.json', state = 'new', file = here .. '/b.json' } })
    nvim:type('gf')
    nvim:settle()
    equal(nvim:get('vim.fn.getline(1)'), 'two')
    equal(nvim:get('listed'), { 'a.json', 'b.json (new)' })
  end
)

return T
