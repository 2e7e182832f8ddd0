-- What a backend beside Neovim can reach at best: limit_backend.py pushes plain text, and does nothing else. One backend a
-- session; those that nobody sees only read.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')

---@class bench.Backend
---@field job integer
---@field ready boolean
---@field busy boolean

---@type bench.Backend[]
local backends = {}
local shown

local function start(buf, win)
  local number = #backends + 1
  local command = { common.python, common.root .. '/limit_backend.py', number, buf, win }
  command = vim.iter(vim.list_extend(command, common.agent)):map(tostring):totable()
  local job = vim.fn.jobstart(command, {
    rpc = true,
    on_stderr = function(_, data)
      vim.notify(table.concat(data, '\n'))
    end,
  })
  backends[number] = { job = job, ready = false, busy = false }
end

function Bench.open()
  vim.cmd('botright vsplit')
  local win = vim.api.nvim_get_current_win()
  shown = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_win_set_buf(win, shown)
  vim.bo[shown].undolevels = -1
  start(shown, win)
end

function Bench.beside()
  start(0, 0)
end

function _G.LimitState(number, state)
  if state == 'ready' then
    backends[number].ready = true
  else
    backends[number].busy = false
  end
end

function Bench.ready()
  return vim.iter(backends):all(function(backend)
    return backend.ready
  end)
end

function Bench.buf()
  return shown
end

function Bench.send(text, number)
  local backend = backends[number + 1]
  backend.busy = true
  vim.rpcnotify(backend.job, 'prompt', text)
end

function Bench.settled()
  return vim.iter(backends):all(function(backend)
    return not backend.busy
  end)
end
