-- The link to the backend: start, handshake, notifications, batches, death, restart, a reload of the modules.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

T['start returns an id at once and the backend is told all that it needs'] = test(
  nil,
  function(child)
    local id = child:get(
      [[require('agor').start({ provider = 'demo', prompt = 'hello', extra_env = { A = 1 } })]]
    )
    assert(id:match('^demo%-%d+%-%d+%-%x%x%x%x$'), id)
    local params = child:wait_told('start')
    equal(params.session_id, id)
    equal(params.provider, 'demo')
    equal(params.config, {
      protocol = 'sidecar',
      command = { '<binary>', 'runner', 'demo' },
      title = 'the demo agent',
      needs = {},
      watchdog = 180,
    })
    equal(params.cwd, child.home .. '/work')
    equal(params.prompt.text, 'hello')
    equal(params.environ.HOME, child.home)
    equal(params.extra_env, { A = '1' })
    equal(child:get('calls[1]'), { 'pane.open', id, vim.empty_dict() })
  end
)

T['without a prompt the prompt window gets the cursor'] = test(nil, function(child)
  local id = child:get([[require('agor').start({ provider = 'demo' })]])
  equal(child:get('calls[1]'), { 'pane.open', id, { focus = 'prompt' } })
end)

T['sessions are seen at once and then as the backend tells'] = test(nil, function(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  local rows = child:get([[require('agor').sessions()]])
  equal(rows[1].session_id, 'a')
  equal(rows[1].status, 'idle')
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
  child:lua([[require('agor').sessions()[1].status = 'broken']])
  equal(child:get([[require('agor').sessions()[1].status]]), 'idle')
end)

T['how long an agent has been silent is told by a clock that does not jump'] = test(
  nil,
  function(child)
    child:lua([[
      vim.uv.gettimeofday = function() return 4000000000, 0 end
      require('agor.mirror').update({
        { session_id = 'a', started_at = 1, stalled = true, quiet_since = 7, quiet_ms = 90500 },
        { session_id = 'b', started_at = 2 },
      })
    ]])
    local quiet = [[require('agor.ui.waits').quiet(require('agor.mirror').get('%s'))]]
    local seconds = child:get(quiet:format('a'))
    assert(seconds >= 90 and seconds < 100, seconds)
    equal(child:get(quiet:format('b')), vim.NIL)
    -- What is for people is told as it comes.
    equal(child:get([[require('agor').sessions()[1].quiet_since]]), 7)
    equal(child:get([[require('agor').sessions()[1].quiet_from]]), vim.NIL)
  end
)

T['what is long goes through a file, byte for byte'] = test(nil, function(child)
  child:lua([[
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    require('agor').send(('ä'):rep(200000) .. '\255\0x', { session = 'a' })
  ]])
  local params = child:wait_told('send')
  equal(params.prompt.text == ('ä'):rep(200000) .. '\255\0x', true)
  equal(child:told('send')[1].by_file, true)
end)

T['another version of the backend is refused with a sentence'] = test(
  { env = { AGOR_FAKE_VERSION = '9.9.9' } },
  function(child)
    local id, text =
      unpack(child:get([[{ vim.F.if_nil(require('agor').start({ provider = 'demo' }), false),
    select(2, require('agor').start({ provider = 'demo' })) }]]))
    equal(id, false)
    contains(text, 'is version 9.9.9 (protocol ')
    contains(text, 'run :Agor build, then :Agor restart')
    equal(child:get([[#require('agor').sessions()]]), 0)
  end
)

T['a program that is not the backend is refused with a sentence'] = test(
  { env = { AGOR_BIN = '/bin/cat' } },
  function(child)
    contains(
      child:get([[select(2, require('agor').start({ provider = 'demo' }))]]),
      '/bin/cat does not speak as the backend'
    )
  end
)

T['a program that ends at once is refused with a sentence'] = test(
  { env = { AGOR_BIN = '/bin/false' } },
  function(child)
    contains(
      child:get([[select(2, require('agor').start({ provider = 'demo' }))]]),
      '/bin/false does not speak as the backend'
    )
    equal(child:notes(), '')
  end
)

T['an AGOR_BIN that does not exist is named'] = test(
  { env = { AGOR_BIN = '/no/such' } },
  function(child)
    contains(
      child:get([[select(2, require('agor').start({ provider = 'demo' }))]]),
      '$AGOR_BIN names "/no/such"'
    )
  end
)

T['not built: the one sentence'] = test(
  { env = { AGOR_BIN = '', PATH = '/nonexistent' } },
  function(child)
    child:lua([[require('agor.provider').plugin_root = function() return '/nonexistent' end]])
    child:cmd('AgorStart demo')
    contains(child:notes(), 'The backend is not built yet: run :Agor build')
  end
)

T['a backend that dies is started again once, and its sessions are taken up'] = test(
  nil,
  function(child)
    child:lua([[
    statuses = {}
    require('agor').on_status(nil, function(id, status, err) table.insert(statuses, { id, status, err }) end)
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    require('agor').send('die', { session = 'a' })
  ]])
    child:wait_note('the backend ended by itself (exit code 3)')
    local params = child:wait_told('start', 2)
    equal(params.session_id, 'a')
    equal(params.restore, true)
    equal(params.prompt, nil)
    equal(child:get('statuses[1][2]'), 'error')
    contains(child:get('statuses[1][3]'), 'the backend ended by itself')
    child:lua([[require('agor').send('die', { session = 'a' })]])
    child:wait_note(':Agor restart starts it')
    equal(child:get([[require('agor.backend').is_running()]]), false)
    child:cmd('Agor restart')
    child:wait_for([[require('agor.backend').is_running()]])
  end
)

T['why a backend has died is said, also when it stays down'] = test(nil, function(child)
  local why =
    'the backend ended by itself (exit code 101: agor-nvim: the list of sessions has died: no tea (src/session/hub.rs:7))'
  child:lua([[
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    require('agor').send('panic', { session = 'a' })
  ]])
  child:wait_note(why .. '; it runs again, its session goes on with the next prompt')
  child:wait_told('start', 2)
  child:lua([[require('agor').send('panic', { session = 'a' })]])
  child:wait_note(why .. ' once more. :Agor log has more, :Agor restart starts it')
end)

T['the channel and the callbacks survive a reload of the modules'] = test(nil, function(child)
  child:lua([[
    count = 0
    function listener() count = count + 1 end
    require('agor').on_status(nil, listener)
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
  ]])
  child:wait_told('start')
  local channel = child:get([[require('agor.state').channel]])
  child:lua([[
    for name in pairs(package.loaded) do
      if name:match('^agor') then package.loaded[name] = nil end
    end
    vim.g.loaded_agor = nil
    vim.cmd('runtime plugin/agor.lua')
    require('agor').setup({})
    require('agor').on_status(nil, listener)
    require('agor').send('work', { session = 'a' })
  ]])
  child:wait_for([[require('agor').sessions()[1].status == 'running' and count > 0]])
  equal(child:get('count'), 1)
  equal(child:get([[require('agor.state').channel]]), channel)
  equal(child:get([[#vim.api.nvim_get_autocmds({ group = 'agor', event = 'BufReadCmd' })]]), 1)
end)

T['modules that have outgrown the running backend say so until it is restarted'] = test(
  nil,
  function(child)
    child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
    child:wait_told('start')
    -- As a reload of an updated plugin leaves it.
    child:lua([[
      require('agor.binary').protocol = 6
      vim.env.AGOR_FAKE_PROTOCOL = '6'
      sent, why = require('agor').send('work', { session = 'a' })
      figures, stats = require('agor').stats()
      id, start = require('agor').start({ provider = 'demo', session_id = 'b', open = false })
    ]])
    local wrong = 'run :Agor restart: this plugin was updated and needs protocol 6'
    equal(child:get('{ sent == nil, id == nil }'), { true, true })
    contains(child:get('why'), wrong)
    contains(child:get('start'), wrong)
    equal(#child:told('send'), 0)
    child:cmd('Agor restart')
    child:wait_note('the backend runs again, 1 session is taken up')
    child:lua([[require('agor').send('work', { session = 'a' })]])
    child:wait_for([[require('agor').sessions()[1].status == 'running']])
  end
)

T['a backend is not given up for one that could not take its place'] = test(nil, function(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_told('start')
  local channel = child:get([[require('agor.state').channel]])
  child:lua([[vim.env.AGOR_FAKE_VERSION = '9.9.9']])
  child:cmd('Agor restart')
  child:wait_note('the backend that runs was left as it is')
  contains(child:notes(), 'run :Agor build, then :Agor restart: the backend is version 9.9.9')
  child:lua([[vim.env.AGOR_FAKE_VERSION = nil]])
  local other = child:write(child.home .. '/other', '#!/bin/sh\necho hello\n')
  vim.uv.fs_chmod(other, 493)
  child:lua([[vim.env.AGOR_BIN = ...]], other)
  child:cmd('Agor restart')
  child:wait_note('does not say its version, so it is no backend')
  child:lua([[vim.env.AGOR_BIN = '/nonexistent/agor-nvim']])
  child:cmd('Agor restart')
  child:wait_note('which is no program that can be run; the backend that runs was left as it is')
  equal(child:get([[require('agor.state').channel]]), channel)
  child:lua([[require('agor').send('work', { session = 'a' })]])
  child:wait_for([[require('agor').sessions()[1].status == 'running']])
end)

T['a plugin that was updated on the disk says that Neovim is to be restarted'] = test(
  { env = { AGOR_FAKE_VERSION = '0.2.0', AGOR_FAKE_PROTOCOL = '7' } },
  function(child)
    local root = child.home .. '/plugin'
    vim.fn.mkdir(root .. '/lua/agor', 'p')
    child:write(root .. '/lua/agor/binary.lua', "\nM.version = '0.2.0'\nM.protocol = 7\n")
    child:lua(
      [[local root = ... require('agor.provider').plugin_root = function() return root end]],
      root
    )
    local failed = child:get(
      [[select(2, require('agor').start({ provider = 'demo', session_id = 'a', open = false }))]]
    )
    contains(
      failed,
      'restart Neovim: agor was updated on the disk, where plugin and backend are version 0.2.0'
    )
  end
)

T['messages are asked for only while someone listens'] = test(nil, function(child)
  child:lua([[
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    got = {}
    off = require('agor').on_message('a', function(id, list) table.insert(got, { id, list[1].id }) end)
  ]])
  child:lua([[require('agor').send('messages', { session = 'a' })]])
  child:wait_for('got[1]')
  equal(child:get('got[1]'), { 'a', 'm1' })
  local first = child:told('listen')[1].params
  equal(first.sessions, { 'a' })
  child:lua('off()')
  child:wait('the end of listening', function()
    local all = child:told('listen')
    local last = all[#all].params
    return last.all == false and #last.sessions == 0
  end)
  child:lua([[
    seen = {}
    vim.api.nvim_create_autocmd('User', { pattern = 'Agor*', callback = function(e) seen[e.match] = e.data end })
    require('agor').send('messages', { session = 'a' })
    require('agor').send('work', { session = 'a' })
  ]])
  child:wait_for('seen.AgorMessage and seen.AgorStatus')
  equal(child:get('seen.AgorMessage.session_id'), 'a')
  local all = child:told('listen')
  equal(all[#all].params.all, true)
end)

T['an error in one callback is told once and does not stop the others'] = test(nil, function(child)
  child:lua([[
    seen = 0
    require('agor').on_status(nil, function() error('mine') end)
    require('agor').on_status(nil, function(id) seen = seen + 1; state = require('agor').sessions()[1].status end)
    require('agor').start({ provider = 'demo', session_id = 'a', open = false })
    require('agor').send('work', { session = 'a' })
    require('agor').send('idle', { session = 'a' })
  ]])
  child:wait_for('seen == 2')
  local notes = child:notes()
  contains(notes, 'your on_status callback failed')
  equal(select(2, notes:gsub('your on_status', '')), 1)
end)

T['apply answers for each patch, never throws, and keeps the order'] = test(nil, function(child)
  child:lua([[_G.patch_result = 'busy']])
  local answer = child:lua(
    [[
    return require('agor.rpc').apply({ patches = { { buf = 1 }, { buf = 2 } }, replies = { { 99, vim.NIL, 1 } },
      events = { { 'no such kind', {} }, { 'notify', { level = 'warn', message = 'from behind' } } } })]]
  )
  equal(answer.results, { 'busy', 'busy' })
  assert(answer.ms >= 0)
  child:wait_note('from behind')
  local again = child:lua([[
    package.loaded['agor.ui.transcript'] = { apply = function() error('broken') end }
    local out = {}
    for i = 1, 3 do out[i] = require('agor.rpc').apply({ patches = { { buf = 1 } } }).results[1] end
    return out]])
  equal(again, { 'stale', 'stale', 'gone' })
  equal(select(2, child:notes():gsub('showing a transcript failed', '')), 1)
end)

T['messages and stats are answered, also without a backend'] = test(nil, function(child)
  equal(child:get([[select(2, require('agor').messages('a'))]]), 'no session a')
  equal(child:get([[require('agor').stats().frames]]), 0)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_told('start')
  equal(child:get([[{ require('agor').messages('a') }]])[2], 7)
  equal(
    child:get(
      [[select('#', require('agor').messages('a', { since = 7 })), (select(2, require('agor').messages('a', { since = 7 })))]]
    ),
    2
  )
  equal(child:get([[require('agor').stats().patches]]), 5)
  contains(child:get([[select(2, require('agor').messages('zz'))]]), 'no session zz')
end)

T['a start that the backend refuses becomes a status and one sentence'] = test(nil, function(child)
  child:lua([[require('agor').start({ provider = 'demo', model = 'refused', open = false })]])
  child:wait_note('the model is refused')
end)

T['the version is that of Cargo.toml, the protocol that of the backend'] = function()
  local cargo = table.concat(vim.fn.readfile(nvim.root .. '/Cargo.toml'), '\n')
  local binary = dofile(nvim.root .. '/lua/agor/binary.lua')
  equal(cargo:match('\nversion = "([^"]+)"'), binary.version)
end

T['the plugin file requires nothing and costs little'] = test(nil, function(child)
  child:lua([[
    for name in pairs(package.loaded) do
      if name:match('^agor') then package.loaded[name] = nil end
    end
    vim.g.loaded_agor = nil
    vim.cmd('runtime plugin/agor.lua')
    loaded = {}
    for name in pairs(package.loaded) do
      if name:match('^agor') then table.insert(loaded, name) end
    end
  ]])
  equal(child:get('loaded'), {})
end)

T['much at once is delivered in slices, in its order'] = test(nil, function(child)
  child:lua([[
    local state = require('agor.state')
    order, between = {}, nil
    local function batch(from, to)
      local replies = {}
      for i = from, to do
        state.replies[100 + i] = function()
          table.insert(order, i)
          local till = vim.uv.hrtime() + 1e6
          while vim.uv.hrtime() < till do end
        end
        table.insert(replies, { 100 + i, vim.NIL, vim.NIL })
      end
      require('agor.rpc').apply({ replies = replies })
    end
    batch(1, 50)
    -- Queued behind the first slice, where a key would come.
    vim.schedule(function() between = #order end)
    batch(51, 60)
  ]])
  child:wait_for('#order == 60')
  local between = child:get('between')
  assert(between > 0 and between < 50, between)
  equal(child:get('vim.deep_equal(order, vim.fn.range(1, 60))'), true)
end)

T['a backend that can write no log says where it cannot'] = test(
  { env = { AGOR_FAKE_NO_LOG = '1' } },
  function(child)
    child:lua([[require('agor').start({ provider = 'demo', open = false })]])
    child:cmd('Agor log')
    contains(child:notes(), 'no log can be written in ' .. child:get([[vim.fn.stdpath('state')]]))
    child:cmd('silent checkhealth agor')
    contains(child:get([[table.concat(vim.fn.getline(1, '$'), '\n')]]), 'no log can be written in ')
  end
)

return T
