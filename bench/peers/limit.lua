-- What a backend beside Neovim can reach at best: limit_backend.py pushes plain text, and does nothing else.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')
local job, buf, win
local ready, busy = false, false

function Bench.open()
  vim.cmd('botright vsplit')
  win = vim.api.nvim_get_current_win()
  buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_win_set_buf(win, buf)
  vim.bo[buf].undolevels = -1
  local command =
    { common.python, common.root .. '/limit_backend.py', tostring(buf), tostring(win) }
  job = vim.fn.jobstart(vim.list_extend(command, common.agent), {
    rpc = true,
    on_stderr = function(_, data)
      vim.notify(table.concat(data, '\n'))
    end,
  })
end

function _G.LimitState(state)
  if state == 'ready' then
    ready = true
  else
    busy = false
  end
end

function Bench.ready()
  return ready
end

function Bench.buf()
  return buf
end

function Bench.send(text)
  busy = true
  vim.rpcnotify(job, 'prompt', text)
end

function Bench.settled()
  return not busy
end
