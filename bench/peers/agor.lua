-- This plugin, as a user has it: the pane with its prompt, highlights and all. Its agent speaks what BENCH_PROTOCOL says.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')
vim.opt.runtimepath:prepend(vim.fs.dirname(common.root))
---@type string[]
local sessions = {}

local function start(shown)
  local agor = require('agor')
  local session, message = agor.start({ provider = 'bench', open = shown })
  assert(session, message)
  table.insert(sessions, session)
end

function Bench.open()
  local protocol = vim.env.BENCH_PROTOCOL or 'sidecar'
  local command = vim.list_extend(vim.list_slice(common.agent), { protocol })
  require('agor').setup({
    providers = { bench = { protocol = protocol, command = command } },
    board = { position = 'bottom' },
  })
  start(true)
end

function Bench.beside()
  start(false)
end

function Bench.board()
  vim.cmd('Agor sessions')
end

---@return table<string, table>
local function rows()
  local out = {}
  for _, entry in ipairs(require('agor').sessions()) do
    out[entry.session_id] = entry
  end
  return out
end

function Bench.ready()
  local known = rows()
  return vim.iter(sessions):all(function(session)
    return known[session] ~= nil
  end)
end

function Bench.buf()
  local buf = vim.fn.bufnr('^agor://' .. sessions[1] .. '$')
  return buf > 0 and buf or nil
end

function Bench.send(text, number)
  assert(require('agor').send(text, { session = sessions[number + 1] }))
end

function Bench.settled()
  local known = rows()
  return vim.iter(sessions):all(function(session)
    return known[session] ~= nil and known[session].status ~= 'running'
  end)
end

function Bench.text(number)
  local parts, since = {}, nil
  repeat
    local messages
    messages, since = require('agor').messages(sessions[number + 1], { since = since })
    for _, message in ipairs(messages or {}) do
      if message.type == 'text' then
        table.insert(parts, message.content.text)
      end
    end
  until not since
  return table.concat(parts)
end
