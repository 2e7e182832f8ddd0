-- This plugin, as a user has it: the pane with its prompt, highlights and all. Its agent speaks what BENCH_PROTOCOL says.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')
vim.opt.runtimepath:prepend(vim.fs.dirname(common.root))
local session

function Bench.open()
  local agor = require('agor')
  local protocol = vim.env.BENCH_PROTOCOL or 'sidecar'
  local command = vim.list_extend(vim.list_slice(common.agent), { protocol })
  agor.setup({ providers = { bench = { protocol = protocol, command = command } } })
  local message
  session, message = agor.start({ provider = 'bench', open = true })
  assert(session, message)
end

local function row()
  for _, entry in ipairs(require('agor').sessions()) do
    if entry.session_id == session then
      return entry
    end
  end
end

function Bench.ready()
  return row() ~= nil
end

function Bench.buf()
  local buf = vim.fn.bufnr('^agor://' .. session .. '$')
  return buf > 0 and buf or nil
end

function Bench.send(text)
  assert(require('agor').send(text, { session = session }))
end

function Bench.settled()
  local entry = row()
  return entry ~= nil and entry.status ~= 'running'
end

function Bench.text()
  local parts, since = {}, nil
  repeat
    local messages
    messages, since = require('agor').messages(session, { since = since })
    for _, message in ipairs(messages or {}) do
      if message.type == 'text' then
        table.insert(parts, message.content.text)
      end
    end
  until not since
  return table.concat(parts)
end
