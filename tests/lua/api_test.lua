-- What the public functions refuse, and the answers to questions.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

T['start says what is wrong with its options'] = test(nil, function(child)
  child:write('file', '')
  child:write(child.home .. '/data/nvim/agor/sessions/old.ndjson', '{}\n')
  for code, sentence in pairs({
    ['"claude"'] = 'start() takes a table',
    ["{ provider = 'x' }"] = 'unknown provider "x"',
    ['{ provider = 5 }'] = 'provider must be a string, not a number',
    ["{ provider = 'demo', pormpt = 'x' }"] = 'unknown option "pormpt" (did you mean "prompt"?)',
    ["{ provider = 'demo', cwd = '/no/such' }"] = 'the directory /no/such does not exist',
    ["{ provider = 'demo', cwd = 'file' }"] = 'is not a directory',
    ["{ provider = 'demo', session_id = 'a b' }"] = '"a b" is no session id',
    ["{ provider = 'demo', session_id = '.a' }"] = 'is no session id',
    ["{ provider = 'demo', session_id = ('x'):rep(129) }"] = 'is no session id',
    ["{ provider = 'demo', session_id = 'old' }"] = 'session old already exists',
    ["{ provider = 'demo', max_turns = 0 }"] = 'max_turns must be a whole number',
    ["{ provider = 'demo', resume_mode = 'resume' }"] = 'needs resume_session_id',
    ["{ provider = 'demo', resume_mode = 'x' }"] = 'resume_mode must be',
    ["{ provider = 'demo', resume_mode = 'new', resume_session_id = 'x' }"] = 'does not go with',
    ["{ provider = 'demo', additional_directories = { '/no/such' } }"] = '/no/such does not exist',
    ["{ provider = 'demo', additional_directories = 'x' }"] = 'must be a table',
    ["{ provider = 'demo', extra_env = { A = {} } }"] = 'extra_env.A',
    ["{ provider = 'demo', context = { { path = 'x' } } }"] = 'context[1].text must be a string',
    ["{ provider = 'demo', context = { { text = 'x', first_line = -1 } } }"] = 'first_line must be a line number',
  }) do
    local got = child:get(
      ('{ tostring((require("agor").start(%s))), select(2, require("agor").start(%s)) }'):format(
        code,
        code
      )
    )
    equal(got[1], 'nil', code)
    contains(got[2], sentence)
  end
  equal(child:told(), {})
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'live', open = false })]])
  contains(
    child:get([[select(2, require('agor').start({ provider = 'demo', session_id = 'live' }))]]),
    'session live already exists'
  )
end)

T['a start that is refused leaves no program behind'] = test(nil, function(child)
  local running = [[#vim.tbl_filter(function(channel)
    return channel.stream == 'job'
  end, vim.api.nvim_list_chans())]]
  child:lua([[require('agor').start({ provider = 'demo', cwd = '/no/such' })]])
  child:wait_for(running .. ' == 0')
  child:lua([[require('agor').start({ provider = 'demo', open = false })]])
  child:wait_told('start')
  equal(child:get(running), 1)
end)

T['every option reaches the backend'] = test(nil, function(child)
  child:write('more/x', '')
  child:lua(
    [[require('agor').start({ provider = 'demo', session_id = 'a', model = 'm', mode = 'plan', system_prompt = 's',
    max_turns = 3, permission_mode = 'default', claude_config_dir = '~/cfg', additional_directories = { 'more' },
    worktree_name = 'w', resume_session_id = 'r', open = false, prompt = 'p',
    context = { { path = 'x', first_line = 2, text = 't', filetype = 'lua' } } })]]
  )
  local params = child:wait_told('start')
  params.environ, params.config, params.runner_roots = nil, nil, nil
  equal(type(params.started_at), 'number')
  params.started_at = nil
  equal(params, {
    provider = 'demo',
    session_id = 'a',
    cwd = child.home .. '/work',
    model = 'm',
    mode = 'plan',
    system_prompt = 's',
    max_turns = 3,
    permission_mode = 'default',
    claude_config_dir = child.home .. '/cfg',
    additional_directories = { child.home .. '/work/more' },
    worktree_name = 'w',
    worktree = {
      directory = '{repository}.worktrees/{name}',
      branch = 'agor/{name}',
      base = '',
      copy = {},
      submodules = false,
    },
    resume_mode = 'resume',
    resume_session_id = 'r',
    prompt = {
      text = 'p',
      context = { { path = 'x', first_line = 2, last_line = 2, text = 't', filetype = 'lua' } },
    },
  })
end)

T['a worktree lies where a function says'] = test(nil, function(child)
  child:write('.git/HEAD', '')
  child:lua([[_G.given = {}
    require('agor').setup({ worktree = { branch = 'mine/{name}', copy = { '.env' }, directory = function(of)
      _G.given = of
      return of.name == 'bad' and 'here' or '~/trees/' .. of.name
    end } })
    require('agor').start({ provider = 'demo', worktree_name = 'w', open = false })]])
  equal(
    child:get('_G.given'),
    { name = 'w', cwd = child.home .. '/work', repository = child.home .. '/work' }
  )
  equal(child:wait_told('start').worktree, {
    path = child.home .. '/trees/w',
    branch = 'mine/{name}',
    base = '',
    copy = { '.env' },
    submodules = false,
  })
  contains(
    child:get([[select(2, require('agor').start({ provider = 'demo', worktree_name = 'bad' }))]]),
    'config.worktree.directory returned "here", which is no absolute path'
  )
end)

T["a provider's configured values hold where the start names none"] = test(nil, function(child)
  child:lua(
    [[require('agor').setup({ providers = { demo = { model = 'mine', wrap = { 'ssh', 'host' }, max_turns = 2 } } })
    require('agor').start({ provider = 'demo', max_turns = 5, open = false })]]
  )
  local params = child:wait_told('start')
  equal({ params.model, params.max_turns }, { 'mine', 5 })
  equal(params.config.command, { '<binary>', 'runner', 'demo' })
  equal(params.config.wrap, { 'ssh', 'host' })
end)

T['a runner makes a provider, under AGOR_ROOT or a root'] = test(nil, function(child)
  child:write('roots/sidecar/dist/mine-runner.mjs', '')
  contains(
    child:get([[select(2, require('agor').start({ provider = 'mine' }))]]),
    'unknown provider "mine"'
  )
  child:lua([[require('agor').setup({ runner_roots = { vim.env.HOME .. '/work/roots' } })
    require('agor').start({ provider = 'mine', open = false })]])
  local params = child:wait_told('start')
  equal({ params.config.protocol, params.config.command }, { 'sidecar' })
  equal(params.runner_roots, { child.home .. '/work/roots', nvim.root })
  child:lua([[vim.env.AGOR_ROOT = '/elsewhere']])
  contains(
    child:get([[select(2, require('agor').start({ provider = 'mine' }))]]),
    'unknown provider "mine"'
  )
end)

T['send, interrupt and remove name what is not there'] = test(nil, function(child)
  contains(child:get([[select(2, require('agor').send('x'))]]), 'there is no session')
  for _, call in ipairs({
    "send('x', { session = 'zz' })",
    "interrupt('zz')",
    "remove('zz')",
    "answer('zz', 'r', 'o')",
  }) do
    equal(child:get(([[select(2, require('agor').%s)]]):format(call)), 'no session zz')
  end
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  equal(child:get([[select(2, require('agor').send(''))]]), 'there is nothing to send')
  child:lua([[require('agor').remove('a')]])
  child:wait_for([[#require('agor').sessions() == 0]])
end)

T['a permission is answered once, by an option that there is'] = test(nil, function(child)
  child:lua([[
    vim.api.nvim_create_autocmd('User', { pattern = { 'AgorPermission', 'AgorPermissionClosed' },
      callback = function(e) events = events or {} table.insert(events, { e.match, e.data }) end })
    require('agor').start({ provider = 'demo', session_id = 'a', prompt = 'ask', open = false })
  ]])
  child:wait_for('events')
  local permission = child:get('events[1][2]')
  local keys = vim.tbl_keys(permission)
  table.sort(keys)
  equal(keys, { 'input', 'options', 'request_id', 'session_id', 'tool' })
  equal(child:get([[require('agor').sessions()[1].attention]]), 'permission')
  contains(
    child:get([[select(2, require('agor').answer('a', 'r1', 'maybe'))]]),
    'the options are yes, no'
  )
  contains(
    child:get([[select(2, require('agor').answer('a', 'r2', 'yes'))]]),
    'has no open question r2'
  )
  -- In one go: the backend's own word that it is closed comes soon.
  local twice = child:get([[{ require('agor').answer('a', 'r1', 'no', { message = 'rather not' }),
    select(2, require('agor').answer('a', 'r1', 'no')) }]])
  equal(twice[1], true)
  contains(twice[2], 'is answered already')
  equal(
    child:wait_told('answer'),
    { session_id = 'a', request_id = 'r1', option_id = 'no', message = 'rather not' }
  )
  child:wait_for('events[2]')
  equal(child:get('events[2][1]'), 'AgorPermissionClosed')
  contains(
    child:get([[select(2, require('agor').answer('a', 'r1', 'no'))]]),
    'has no open question'
  )
end)

T["an agent's own questions are answered by id, or declined"] = test(nil, function(child)
  child:lua([[
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    require('agor.rpc').apply({ events = { { 'question', { session_id = 'a', request_id = 'q', questions = {
      { id = 'colour', text = 'Which?', options = {} }, { id = 'size', text = 'How big?', options = {} } } } } } })
    vim.wait(10)
  ]])
  contains(child:get([[select(2, require('agor').answer('a', 'q', 'x'))]]), 'opts.answers')
  contains(
    child:get([[select(2, require('agor').answer('a', 'q', nil, { answers = { shape = 'x' } }))]]),
    'there is no question "shape"'
  )
  contains(
    child:get([[select(2, require('agor').answer('a', 'q', nil, { answers = { size = { 1 } } }))]]),
    'list of texts'
  )
  equal(
    child:get(
      [[require('agor').answer('a', 'q', nil, { answers = { colour = 'red', size = { 'S', 'M' } } })]]
    ),
    true
  )
  equal(child:wait_told('answer').answers, { colour = { 'red' }, size = { 'S', 'M' } })
end)

T['callbacks are refused if they are none'] = test(nil, function(child)
  contains(
    child:get([[select(2, pcall(require('agor').on_status, nil, 5))]]),
    'on_status() takes a session id or nil, and a function'
  )
  equal(child:get([[require('agor').statusline()]]), '')
end)

T['agor:// buffers are read by the transcript, also those of a session file'] = test(
  nil,
  function(child)
    child:cmd('edit agor://abc')
    equal(child:get('calls[1][1]'), 'transcript.read')
    child:cmd('doautocmd SessionLoadPost')
    equal(child:get('calls[2][1]'), 'transcript.restore')
  end
)

T['the health check runs and names what is wrong'] = test(nil, function(child)
  child:lua([[require('agor').setup({ quit = 'no' })]])
  child:cmd('checkhealth agor')
  local text = child:get([[table.concat(vim.fn.getline(1, '$'), '\n')]])
  contains(text, 'quit must be one of')
  contains(text, 'claude')
  contains(text, child.home .. '/data/nvim/agor')
end)

T['a permission is allowed for longer by a rule that was offered with it'] = test(
  nil,
  function(child)
    child:lua([[
    require('agor').start({ provider = 'demo', session_id = 'a', prompt = 'ask', open = false })
  ]])
    child:wait_for([[(require('agor.state').requests.a or {}).r1 ~= nil]])
    local function refused(opts)
      return child:get([[select(2, require('agor').answer('a', 'r1', nil, ...))]], opts)
    end
    contains(
      refused({ grant = { rule = 1, scope = 'turn' } }),
      'only be answered by its own options'
    )
    child:lua([[
    local asked = require('agor.state').requests.a.r1
    asked.grants, asked.scopes = { 'one', 'two' }, { 'turn', 'session' }
  ]])
    contains(refused({ grant = { rule = 3, scope = 'turn' } }), 'a number from 1 to 2')
    contains(refused({ grant = { rule = 1, scope = 'project' } }), 'one of turn, session')
    contains(refused({ grant = 'all' }), 'a table with rule and scope')
    contains(
      child:get([[select(2, require('agor').answer('a', 'r1', 'yes', { grant = { rule = 1 } }))]]),
      'not both'
    )
    equal(
      child:get(
        [[require('agor').answer('a', 'r1', nil, { grant = { rule = 2, scope = 'turn' } })]]
      ),
      true
    )
    equal(
      child:wait_told('grant'),
      { session_id = 'a', request_id = 'r1', rule = 2, scope = 'turn' }
    )
  end
)

return T
