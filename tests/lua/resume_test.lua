-- :Agor resume: which sessions are listed, and how one is taken up again.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

-- Far enough from any clock's now for an age that does not change during a test.
local now = os.time() * 1000
local hour, day = 3600 * 1000, 24 * 3600 * 1000

---@param fields table
---@return table
local function journal(fields)
  return vim.tbl_extend('force', {
    session_id = 'old',
    provider = 'demo',
    cwd = '/',
    started_at = now - 2 * day,
    updated_at = now - day - hour,
    title = 'fix the\nparser',
    model = 'big',
    mode = 'ask',
    effort = 'high',
    live = false,
  }, fields)
end

---@param journals table[]
---@param more? table
---@return table
local function env(journals, more)
  local replies = {
    journals = { result = journals },
    earlier = { result = { rows = journals, moot = false } },
  }
  return vim.tbl_extend(
    'force',
    { AGOR_FAKE_REPLIES = vim.json.encode(vim.tbl_extend('force', replies, more or {})) },
    more and { AGOR_FAKE_CAPABILITIES = vim.json.encode({ list = true, interrupt = true }) } or {}
  )
end

---@param child agor.test.Nvim
---@param take? integer
local function choose(child, take)
  child:lua(
    [[local take = ...
    vim.g.agor = { resume = { picker = 'select' } }
    vim.ui.select = function(items, opts, done)
      _G.asked = vim.tbl_map(opts.format_item, items)
      done(items[take])
    end]],
    take or 0
  )
end

T['sessions of the project are listed with age, agent and title, and one is taken up'] = test({
  env = env({
    journal({ session_id = 'newer', updated_at = now - 3 * hour, provider = 'claude', title = '' }),
    journal({}),
  }),
}, function(child)
  choose(child, 2)
  child:cmd('AgorResume')
  local asked = child:wait_told('earlier')
  equal({ asked.cwd, asked.all }, { child.home .. '/work', false })
  local params = child:wait_told('start')
  equal(child:get('asked'), {
    '3 h ago  claude  (no prompt yet)  /',
    '1 d ago  demo    fix the parser  /',
  })
  equal(
    { params.session_id, params.provider, params.cwd, params.restore },
    { 'old', 'demo', '/', true }
  )
  equal(params.prompt, nil)
  equal(params.model, nil)
  equal(params.environ.HOME, child.home)
  equal(child:get('calls[1]'), { 'pane.open', 'old', { focus = 'prompt' } })
  -- Once it is open it is shown, not started again.
  child:cmd('AgorResume old')
  equal(child:get('calls[2]'), { 'pane.open', 'old', { focus = 'prompt' } })
  equal(#child:told('start'), 1)
end)

T['a restored session has its title and model at once'] = test(
  { env = env({ journal({}) }) },
  function(child)
    child:cmd('AgorResume continue')
    child:wait_told('start')
    local row = child:get([[require('agor.mirror').get('old')]])
    assert(row.title == 'fix the\nparser' or row.started_at == 1000, vim.inspect(row))
  end
)

T['continue takes the newest that is not open'] = test(
  { env = env({ journal({ session_id = 'a', updated_at = now }), journal({}) }) },
  function(child)
    child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
    child:wait_told('start')
    child:cmd('Agor resume continue')
    equal(child:wait_told('start', 2).session_id, 'old')
  end
)

T['continue never takes what runs in another Neovim, and the list says so'] = test({
  env = env({
    journal({ session_id = 'theirs', updated_at = now, elsewhere = true }),
    journal({ interrupted = true }),
  }),
}, function(child)
  choose(child)
  child:cmd('AgorResume')
  child:wait_for('_G.asked')
  equal(child:get('asked'), {
    'just now  demo  in another Neovim  fix the parser  /',
    '1 d ago   demo  interrupted        fix the parser  /',
  })
  child:cmd('Agor resume continue')
  equal(child:wait_told('start').session_id, 'old')
end)

T["continue leaves a project alone that is another Neovim's"] = test(
  { env = env({ journal({ elsewhere = true }) }) },
  function(child)
    child:cmd('AgorResume continue')
    child:wait_note('all sessions of this project run in another Neovim')
    equal(child:told('start'), {})
  end
)

T["the agent's own conversations are listed once, and begin a session of ours"] = test({
  env = env({ journal({ agent_session = 'c1' }) }, {
    conversations = {
      result = {
        { id = 'c1', title = 'known', cwd = '/', updated_at = now },
        { id = 'c2', title = 'made elsewhere', cwd = '/', updated_at = now - hour },
        { id = 'c3', title = 'undated', cwd = '', updated_at = 0 },
      },
    },
  }),
}, function(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
  choose(child, 1)
  child:cmd('Agor! resume')
  equal(child:wait_told('earlier').all, true)
  equal(child:wait_told('conversations').session_id, 'a')
  local params = child:wait_told('start', 2)
  equal(child:get('asked'), {
    "1 h ago  demo  the agent's own  made elsewhere  /",
    '1 d ago  demo                   fix the parser  /',
    "demo  the agent's own  undated",
  })
  equal({ params.resume_session_id, params.resume_mode, params.cwd }, { 'c2', 'resume', '/' })
  assert(params.session_id ~= 'c2' and not params.restore)
end)

T['an agent that does not answer is not waited for'] = test(
  { env = env({ journal({}) }, { conversations = { never = true } }) },
  function(child)
    child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
    child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
    child:lua([[require('agor.resume').patience_ms = 20]])
    choose(child)
    child:cmd('AgorResume')
    child:wait_note('demo does not tell its own conversations: it has not answered')
    equal(#child:get('asked'), 1)
  end
)

T['what cannot be taken up is told'] = test({
  env = env({
    journal({ session_id = 'strange', provider = 'nobody' }),
  }),
}, function(child)
  child:cmd('AgorResume strange')
  child:wait_note('unknown provider "nobody"')
  child:cmd('AgorResume strangee')
  child:wait_note('there is no session strangee (did you mean "strange"?)')
  equal(child:told('start'), {})
  equal(child:get([[require('agor').sessions()]]), {})
end)

T['a session whose directory is gone goes on in the project, or is read'] = test(
  { env = env({ journal({ cwd = '/no/such/dir' }) }) },
  function(child)
    child:lua([[vim.ui.select = function(items, opts, done)
      _G.asked = { opts.prompt, items }
      done(items[_G.take])
    end]])
    child:lua('_G.take = 3')
    child:cmd('AgorResume old')
    child:wait_for('_G.asked ~= nil')
    equal(child:get('asked'), {
      'The directory /no/such/dir of this session is gone:',
      { 'Resume it in ' .. child.home .. '/work', 'Read it only', 'Cancel' },
    })
    equal(child:told('start'), {})
    child:lua('_G.take = 1')
    child:cmd('AgorResume old')
    local params = child:wait_told('start')
    equal({ params.session_id, params.cwd, params.restore }, { 'old', child.home .. '/work', true })
  end
)

T['none, and a backend that fails, are sentences'] = test({ env = env({}) }, function(child)
  choose(child)
  child:cmd('AgorResume')
  child:wait_note(
    'there is no earlier session of ' .. child.home .. '/work: :Agor! resume looks everywhere'
  )
  nvim.test(
    { env = { AGOR_FAKE_REPLIES = '{"earlier": {"error": "the folder cannot be read"}}' } },
    function(other)
      choose(other)
      other:cmd('AgorResume')
      other:wait_note('the folder cannot be read')
    end
  )()
end)

T['completion knows the journals on disk, the newest first'] = test(nil, function(child)
  for i, name in ipairs({ 'first', 'second' }) do
    local path = child:write(child.home .. '/data/nvim/agor/sessions/' .. name .. '.ndjson', '')
    vim.uv.fs_utime(path, 1000 * i, 1000 * i)
  end
  equal(
    child:get([[vim.fn.getcompletion('AgorResume ', 'cmdline')]]),
    { 'continue', 'second', 'first' }
  )
end)

return T
