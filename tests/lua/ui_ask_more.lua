--- Beyond one question and its options: the others that wait, all of what is asked, what is allowed for longer,
--- whose it is, and its keys.

local asking = require('support.asking')
local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks
local permission, clock, focus = asking.permission, asking.clock, asking.focus

local T = {}

T['brackets go to the other open questions, and answer none'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, { title = 'one' })
  permission(nvim, { session_id = 's2', request_id = 'r2', title = 'two', lines = {} })
  focus(nvim)
  nvim:type(']')
  contains(nvim:screen(), 'two')
  contains(nvim:screen(), '2 of 2')
  nvim:type('1')
  equal(nvim:get('T.answers'), {}, 'the first moment of a question is no time to answer it')
  nvim:lua('Now = Now + 301')
  nvim:type(']')
  contains(nvim:screen(), '1 of 2')
  nvim:lua('Now = Now + 301')
  nvim:type('[1')
  nvim:lua('Now = Now + 301')
  nvim:type('1')
  equal(nvim:get('T.answers[1].request'), 'r2')
  contains(nvim:screen(), 'one')
end)

T['where there is little room, the title keeps what is asked and which of how many it is'] = test(
  nil,
  function(nvim)
    clock(nvim)
    nvim:lua([[
    vim.o.columns = 60
    T.session('s1', { title = 'Shorten the head, but ask before', cwd = '/long/path/project', status = 'running' })
    T.session('s2', { status = 'running' })
  ]])
    nvim:lua(
      [[
    for i, session in ipairs({ 's1', 's2' }) do
      require('agor.ui.ask').on_permission({
        session_id = session, request_id = 'r' .. i, tool = 'Bash', title = 'make', input = {},
        lines = {}, marks = {}, options = ...,
      })
    end
  ]],
      asking.OPTIONS
    )
    nvim:settle()
    local screen = nvim:screen()
    contains(screen, 'asks: Bash  ·  1 of 2')
    contains(screen, 'Shorten the head')
    lacks(screen, 'path/project)')
  end
)

T['choices that take several rows each are all in sight'] = test(nil, function(nvim)
  clock(nvim)
  -- Words that leave much of each row empty.
  local long = table.concat({ ('a'):rep(45), ('b'):rep(45), ('c'):rep(45) }, ' ')
  permission(nvim, {
    options = {
      { option_id = 'yes', name = 'Yes, once', kind = 'allow_once' },
      { option_id = 'always', name = long, kind = 'allow_always' },
      { option_id = 'ever', name = long .. ' ' .. long, kind = 'allow_always' },
      { option_id = 'no', name = 'No', kind = 'reject_once' },
    },
    grants = { 'only this command' },
    scopes = { 'turn' },
    project = '/p',
  })
  contains(nvim:screen(), 'a Allow for longer')
end)

T['K shows all of what is asked, and the question has the focus again'] = test(nil, function(nvim)
  clock(nvim)
  local lines = {}
  for i = 1, 300 do
    lines[i] = 'line ' .. i
  end
  permission(nvim, { lines = lines })
  focus(nvim)
  nvim:type('K')
  equal(nvim:get('vim.bo.filetype'), 'agor-detail')
  equal(nvim:get('vim.api.nvim_buf_line_count(0) >= 300'), true)
  nvim:type('q')
  equal(nvim:get('vim.bo.filetype'), 'agor-question')
  nvim:lua('Now = Now + 301')
  nvim:type('1')
  equal(nvim:get('#T.answers'), 1)
  equal(nvim:get('T.messages[#T.messages][2]'), 'nothing waits for you')
end)

local GRANTS = {
  grants = { 'only the command `make test`', 'commands `make test …`' },
  scopes = { 'turn', 'session', 'project' },
  project = '/home/me/p',
}

T['what can be allowed for longer stands below a line, and is said before it is chosen'] = test(
  nil,
  function(nvim)
    clock(nvim)
    permission(nvim, GRANTS)
    contains(nvim:screen(), 'a Allow for longer …')
    contains(nvim:screen(), '───')
    focus(nvim)
    nvim:type('a')
    local screen = nvim:screen()
    contains(screen, '1 this turn: only the command `make test`')
    contains(screen, '5 this session: commands `make test …`')
    contains(screen, '6 always in p: commands `make test …`')
    lacks(screen, 'Yes, once')
    nvim:type('5')
    equal(nvim:get('T.answers'), {}, 'the first moment chooses nothing')
    nvim:lua('Now = Now + 301')
    nvim:type('5')
    equal(
      nvim:get('T.answers[1]'),
      { session = 's1', request = 'r1', opts = { grant = { rule = 2, scope = 'session' } } }
    )
  end
)

T['the options come back, and a number from elsewhere is one of them'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, GRANTS)
  focus(nvim)
  nvim:type('jjj<CR>')
  contains(nvim:screen(), '1 this turn')
  nvim:lua('Now = Now + 301')
  nvim:type('<BS>')
  contains(nvim:screen(), '1 Yes, once')
  nvim:lua('Now = Now + 301')
  nvim:type('a')
  equal(
    nvim:get('{ require("agor.ui.ask").focus(4) }'),
    { false, 'This question has the options 1 to 3' }
  )
  nvim:lua('require("agor.ui.ask").focus(3)')
  equal(nvim:get('T.answers[1].option'), 'no')
end)

T['what offers nothing for longer has no such row'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, { grants = {}, scopes = { 'turn' } })
  lacks(nvim:screen(), 'Allow for longer')
  focus(nvim)
  nvim:type('a')
  contains(nvim:screen(), '1 Yes, once')
end)

local REFUSALS = vim.tbl_extend('error', GRANTS, {
  examples = {
    { { '`make test`' }, { '`make test && rm -rf build`' } },
    { { '`make test --help`', '`make test x`' }, {} },
  },
  everywhere = { 2 },
  refusals = { 'commands `make …`' },
  of_refusals = { { { '`sudo make test`' }, { '`echo make`' } } },
  refusal_scopes = { 'session', 'project', 'everywhere' },
  note = '`make test` is what your rule `command(make *)` wants to be asked about',
})

T['what each rule is about is read before one is chosen, and how often it would have been'] = test(
  nil,
  function(nvim)
    clock(nvim)
    permission(nvim, REFUSALS)
    contains(nvim:screen(), 'Asked since `make test` is what your rule')
    focus(nvim)
    nvim:lua(
      'T.results_of.weigh = function() return { grants = { 1, 12 }, refusals = { 3 }, of = 40 } end'
    )
    nvim:type('a')
    nvim:settle()
    local screen = nvim:screen()
    contains(screen, 'Allows only the command `make test`')
    lacks(screen, 'such as  `make test`')
    contains(screen, 'such as  `make test --help`')
    contains(screen, 'but not  `make test && rm -rf build`')
    contains(screen, 'fits 12 of the 40 earlier requests in this project')
    contains(screen, '7 always, everywhere: commands `make test …`')
    lacks(screen, 'everywhere: only the command')
    nvim:lua('Now = Now + 301')
    nvim:type('7')
    equal(nvim:get('T.answers[1].opts'), { grant = { rule = 2, scope = 'everywhere' } })
  end
)

T['n refuses for longer'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim, REFUSALS)
  contains(nvim:screen(), 'n Refuse for longer …')
  focus(nvim)
  nvim:type('n')
  local screen = nvim:screen()
  contains(screen, 'Refuses commands `make …`')
  contains(screen, 'such as  `sudo make test`')
  contains(screen, '1 this session: refuse commands `make …`')
  contains(screen, '2 always in p: refuse commands `make …`')
  nvim:lua('Now = Now + 301')
  nvim:type('<BS>')
  contains(nvim:screen(), '1 Yes, once')
  nvim:lua('Now = Now + 301')
  nvim:type('n')
  nvim:lua('Now = Now + 301')
  nvim:type('3')
  equal(
    nvim:get('T.answers[1].opts'),
    { grant = { rule = 1, scope = 'everywhere', refuse = true } }
  )
end)

T['with more than one session a question says which of them asks'] = test(nil, function(nvim)
  nvim:lua('T.session("s2", { cwd = "/srv/other" })')
  permission(nvim)
  nvim:lua('T.session("s1", { title = "fix it", cwd = "/srv/shop" })')
  nvim:lua('vim.api.nvim_exec_autocmds("VimResized", {})')
  nvim:settle()
  contains(nvim:screen(), 'claude "fix it" (/srv/shop) asks: Bash')
  nvim:lua('T.session("s2", { status = "done" }) vim.api.nvim_exec_autocmds("VimResized", {})')
  nvim:settle()
  contains(nvim:screen(), 'claude asks: Bash')
end)

T['the help of a question lists the keys that do something'] = test(nil, function(nvim)
  clock(nvim)
  permission(nvim)
  focus(nvim)
  nvim:type('g?')
  local screen = nvim:screen()
  contains(screen, 'choose: No')
  lacks(screen, 'choose: Allow for longer')
  contains(screen, 'refuse, with a reason')
  lacks(screen, 'several')
  lacks(screen, 'edit the plan')
  lacks(screen, 'question before')
end)

T['a row that is cut off below is no row of @'] = test({ columns = 60, lines = 18 }, function(nvim)
  local row = ('word '):rep(20)
  nvim:lua([[vim.o.display = 'lastline']])
  permission(nvim, { lines = { 'one', row, row, row, row } })
  contains(nvim:screen(), 'more line')
  lacks(nvim:screen(), '@')
end)

T['what does not fit is counted, with the keys that scroll both ways'] = test(nil, function(nvim)
  clock(nvim)
  local long = {}
  for i = 1, 60 do
    long[i] = '+ line ' .. i
  end
  permission(nvim, { lines = long })
  lacks(nvim:screen(), 'scroll')
  focus(nvim)
  assert(nvim:screen():find('%d more lines, <C%-d> <C%-u> scroll'), nvim:screen())
end)

T['a question outlives a reload of the modules, in one float'] = test(nil, function(nvim)
  local floats = [[#vim.tbl_filter(function(win)
    return vim.api.nvim_win_get_config(win).relative ~= ''
  end, vim.api.nvim_tabpage_list_wins(0))]]
  permission(nvim)
  local windows = nvim:get(floats)
  nvim:lua([[
    for name in pairs(package.loaded) do
      if name:find('^agor%.ui') then
        package.loaded[name] = nil
      end
    end
    require('agor.ui.ask')
  ]])
  nvim:settle()
  contains(nvim:screen(), 'claude asks: Bash')
  equal(nvim:get(floats), windows)
  clock(nvim)
  focus(nvim)
  nvim:type('1')
  equal(nvim:get('T.answers[1].option'), 'yes')
  nvim:lua('require("agor.ui.ask").on_closed({ session_id = "s1", request_id = "r1" })')
  nvim:settle()
  equal(nvim:get(floats), 0)
end)

return T
