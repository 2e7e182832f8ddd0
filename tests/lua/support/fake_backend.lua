-- A backend for tests: speaks msgpack-RPC on stdio as doc/wire.md says, keeps what it is told in $AGOR_FAKE_LOG (one JSON
-- value a line), and obeys prompts. Run by `nvim -l`.

local unpacker = vim.mpack.Unpacker()
local stdin, stdout = vim.uv.new_pipe(false), vim.uv.new_pipe(false)
stdin:open(0)
stdout:open(1)

local version = os.getenv('AGOR_FAKE_VERSION') or '0.1.0'
local protocol = tonumber(os.getenv('AGOR_FAKE_PROTOCOL') or '5')
local rows = {}
local next_call = 0

local function write(message)
  stdout:write(vim.mpack.encode(message))
end

local function note(entry)
  local file = assert(io.open(os.getenv('AGOR_FAKE_LOG') or 'AGOR_FAKE_LOG is not set', 'a'))
  file:write(vim.json.encode(entry), '\n')
  file:close()
end

---@param batch table
local function push(batch)
  next_call = next_call + 1
  local code = 'return require("agor.rpc").apply(...)'
  write({ 0, next_call, 'nvim_exec_lua', { code, { batch } } })
end

local function whole(params)
  if not params.file then
    return params
  end
  local file = assert(io.open(params.file))
  local text = file:read('*a')
  file:close()
  os.remove(params.file)
  return vim.json.decode(text), true
end

local function status(id, word, err)
  rows[id].status, rows[id].error, rows[id].busy = word, err, word == 'running'
  push({
    sessions = { rows[id] },
    events = { { 'status', { session_id = id, status = word, error = err } } },
  })
end

local obey = {}

function obey.die()
  os.exit(3)
end

function obey.panic()
  io.stderr:write('agor-nvim: the list of sessions has died: no tea (src/session/hub.rs:7)\n')
  os.exit(101)
end

function obey.work(id)
  status(id, 'running')
end

function obey.ask(id)
  rows[id].attention, rows[id].pending = 'permission', 1
  push({
    sessions = { rows[id] },
    events = {
      {
        'permission',
        {
          session_id = id,
          request_id = 'r1',
          tool = 'Bash',
          title = 'ls',
          input = { command = 'ls' },
          options = {
            { option_id = 'yes', name = 'Allow', kind = 'allow_once' },
            { option_id = 'no', name = 'Deny', kind = 'reject_once' },
          },
          lines = { 'ls' },
          marks = {},
        },
      },
    },
  })
end

function obey.messages(id)
  push({
    events = {
      {
        'messages',
        { session_id = id, messages = { { id = 'm1', type = 'text', content = { text = 'hi' } } } },
      },
    },
  })
end

function obey.idle(id)
  status(id, 'idle')
end

local told = {}

function told.start(params)
  local id = params.session_id
  rows[id] = {
    session_id = id,
    provider = params.provider,
    status = 'idle',
    cost_usd = 0,
    input_tokens = 0,
    output_tokens = 0,
    started_at = 1000 + vim.tbl_count(rows),
    title = '',
    cwd = params.cwd,
    model = params.model or '',
    mode = '',
    queued = 0,
    pending = 0,
    busy = false,
    asks_nothing = false,
    effort = params.effort or '',
    capabilities = os.getenv('AGOR_FAKE_CAPABILITIES') and vim.json.decode(
      os.getenv('AGOR_FAKE_CAPABILITIES')
    ) or {
      models = {
        { id = 'big', name = 'Big', description = '' },
        { id = 'small', name = '', description = 'cheap' },
      },
      set_model = true,
    },
  }
  push({ sessions = { rows[id] } })
  if params.model == 'refused' then
    return nil, 'the model is refused'
  end
  local text = params.prompt and params.prompt.text
  if text and obey[text] then
    obey[text](id)
  end
end

function told.send(params)
  -- A prompt may be what is to be said to the editor.
  local batch = params.prompt.text:match('^push (.*)$')
  if batch then
    return push(vim.json.decode(batch))
  end
  local action = obey[params.prompt.text]
  if action then
    action(params.session_id)
  end
end

function told.stop(params)
  status(params.session_id, 'done')
end

function told.remove(params)
  rows[params.session_id] = nil
  push({ removed = { params.session_id } })
end

function told.answer(params)
  rows[params.session_id].attention, rows[params.session_id].pending = nil, 0
  push({
    sessions = { rows[params.session_id] },
    events = {
      {
        'permission_closed',
        {
          session_id = params.session_id,
          request_id = params.request_id,
          outcome = params.option_id,
        },
      },
    },
  })
end

function told.ps()
  return { { session_id = 's', pid = 42, command = 'sleep 1', age_s = 61, rss_bytes = 1048576 } }
end

function told.export()
  local path = os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write('# Transcript\n\nhello\n')
  file:close()
  return { text_file = path }
end

-- Methods whose answers a test gives: `{"method": {"result": …} | {"error": "…"}}`.
local given = vim.json.decode(os.getenv('AGOR_FAKE_REPLIES') or '{}')

local asked = {
  handshake = function()
    return {
      version = version,
      protocol = protocol,
      pid = vim.uv.os_getpid(),
      log_path = os.getenv('AGOR_FAKE_NO_LOG') and vim.NIL or '/nowhere/agor.log',
    }
  end,
  messages = function(params)
    if not rows[params.session_id] then
      return nil, 'no session ' .. params.session_id
    end
    return {
      messages = { { id = 'm1', type = 'text', content = { text = 'hi' } } },
      since = params.since and vim.NIL or 7,
    }
  end,
  stats = function()
    return { frames = 3, patches = 5, sessions = vim.tbl_count(rows) }
  end,
}

local function handle(message)
  if message[1] == 0 then
    local result, err = asked[message[3]](message[4][1])
    write({ 1, message[2], err or vim.NIL, result or vim.NIL })
  elseif message[1] == 1 then
    note({ answer = message[4], error = message[3] })
  elseif message[1] == 2 then
    local id, method, params = unpack(message[3])
    local by_file
    params, by_file = whole(params)
    note({ method = method, params = params, by_file = by_file })
    local result, err
    if given[method] and given[method].never then
      return
    elseif given[method] then
      result, err = given[method].result, given[method].error
    elseif told[method] then
      result, err = told[method](params)
    end
    if id ~= 0 then
      push({ replies = { { id, err or vim.NIL, result or vim.NIL } } })
    end
  end
end

local rest = ''
stdin:read_start(function(err, chunk)
  if err or not chunk then
    os.exit(0)
  end
  rest = rest .. chunk
  local at = 1
  while at <= #rest do
    local message, after = unpacker(rest, at)
    at = after
    if message == nil then
      break
    end
    handle(message)
  end
  rest = rest:sub(at)
end)
write({
  2,
  'nvim_set_client_info',
  { 'fake', vim.empty_dict(), 'msgpack-rpc', vim.empty_dict(), vim.empty_dict() },
})
vim.uv.run()
