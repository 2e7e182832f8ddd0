-- What the windows need of the rest of the plugin, as plain tables that record what they were told. `T` is for tests.

T = {
  sessions = {},
  order = {},
  notified = {},
  messages = {},
  sent = {},
  answers = {},
  results_of = {}, -- what a method is answered with: a function of its params
  answers_of = {}, -- what goes wrong, by method
  results = { place = false }, -- what is found, by method; false: nothing
  calls = {},
  refuse = nil,
  unsaved = 0,
  config = {
    policy = {},
    providers = {},
    window = { position = 'right', width = 0.4, height = 0.4, min_width = 60 },
    board = { position = 'float' },
    keys = true,
    icons = 'unicode',
    spinner = true,
    unsaved = 'warn',
    queue = { mode = 'queue' },
    notify = { level = 'info' },
  },
}

function T.session(id, fields)
  if not T.sessions[id] then
    T.order[#T.order + 1] = id
  end
  T.sessions[id] = vim.tbl_extend('force', T.sessions[id] or {
    session_id = id,
    provider = 'claude',
    status = 'idle',
    cost_usd = 0,
    input_tokens = 0,
    output_tokens = 0,
    started_at = #T.order,
    title = '',
    cwd = vim.fn.getcwd(),
    model = '',
    mode = 'default',
    queued = 0,
    pending = 0,
    busy = false,
    asks_nothing = false,
    capabilities = { modes = {}, models = {} },
  }, fields or {})
  return T.sessions[id]
end

--- The newest patch-like call: replaces everything.
function T.paint(id, lines, more)
  local transcript = require('agor.ui.transcript')
  local buf = transcript.buffer(id)
  local ops = { { 'set', 0, -1, lines } }
  vim.list_extend(ops, more or {})
  T.rev = (T.rev or 0) + 1
  return transcript.apply({ buf = buf, base = 0, rev = T.rev, ops = ops }), buf
end

--- Applies operations on top of what is there.
function T.patch(id, ops)
  local transcript = require('agor.ui.transcript')
  local buf = transcript.buffer(id)
  T.rev = (T.rev or 0) + 1
  return transcript.apply({
    buf = buf,
    base = assert(transcript.revision(buf)),
    rev = T.rev,
    ops = ops,
  })
end

local function module(name, value)
  package.loaded[name] = nil
  package.preload[name] = function()
    return value
  end
end

module('agor.state', {})
module('agor.backend', {
  ensure = function()
    return 1
  end,
})
module('agor.config', {
  get = function()
    return T.config
  end,
})
module('agor.mirror', {
  get = function(id)
    return T.sessions[id]
  end,
  list = function()
    return vim.tbl_map(function(id)
      return T.sessions[id]
    end, T.order)
  end,
  current = function()
    return T.sessions[vim.b.agor_session or T.touched or T.order[#T.order]]
  end,
  need = function()
    return T.sessions[vim.b.agor_session or T.touched or T.order[#T.order]]
  end,
  touch = function(id)
    T.touched = id
  end,
})
module('agor.rpc', {
  notify = function(method, params, callback)
    T.notified[#T.notified + 1] = { method, vim.deepcopy(params) }
    if callback and T.results_of[method] then
      vim.schedule(function()
        callback(nil, T.results_of[method](params))
      end)
    elseif callback and T.answers_of[method] then
      callback(T.answers_of[method])
    elseif callback and T.results[method] ~= nil then
      callback(nil, T.results[method] or nil)
    end
    return true
  end,
})
local function message(level)
  return function(text)
    T.messages[#T.messages + 1] = { level, text }
  end
end
module('agor.message', {
  info = message('info'),
  warn = message('warn'),
  error = message('error'),
  status = function(key, text)
    T.messages[#T.messages + 1] = { 'info', text, key }
  end,
  once = function(key, text)
    T.messages[#T.messages + 1] = { 'error', text, key }
  end,
  line = tostring,
})
module('agor.files', {
  unsaved = function()
    return T.unsaved
  end,
})
local function call(name)
  return function(...)
    T.calls[#T.calls + 1] = { name, ... }
    return true
  end
end
module('agor', {
  send = function(text, opts)
    if T.refuse then
      return nil, T.refuse
    end
    T.sent[#T.sent + 1] = { text = text, opts = opts }
    return true
  end,
  answer = function(session, request, option, opts)
    if T.refuse then
      return nil, T.refuse
    end
    T.answers[#T.answers + 1] =
      { session = session, request = request, option = option, opts = opts }
    return true
  end,
  interrupt = call('interrupt'),
  retry = call('retry'),
  stop = call('stop'),
  remove = call('remove'),
})

--- Everything that was sent to the backend by one method.
function T.told(method)
  local out = {}
  for _, item in ipairs(T.notified) do
    if item[1] == method then
      out[#out + 1] = item[2]
    end
  end
  return out
end
