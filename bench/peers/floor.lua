-- The smallest client that one can write in Lua: a job, vim.json.decode, and a buffer change for each chunk.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')
local job, buf, win
local ready, busy, partial = false, false, ''

local function append(text)
  local last = vim.api.nvim_buf_line_count(buf) - 1
  local column = #vim.api.nvim_buf_get_lines(buf, last, last + 1, true)[1]
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buf, last, column, last, column, lines)
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(buf), 0 })
end

local function receive(line)
  local message = vim.json.decode(line)
  if message.type == 'ready' then
    ready = true
  elseif message.type == 'agent_stopped' then
    busy = false
  elseif message.type == 'agent_event' then
    local event = message.event.event
    if event and event.delta and event.delta.text then
      append(event.delta.text)
    end
  end
end

function Bench.open()
  vim.cmd('botright vsplit')
  win = vim.api.nvim_get_current_win()
  buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_win_set_buf(win, buf)
  job = vim.fn.jobstart(common.agent, {
    on_stdout = function(_, data)
      data[1] = partial .. data[1]
      partial = table.remove(data)
      for _, line in ipairs(data) do
        receive(line)
      end
    end,
  })
end

function Bench.ready()
  return ready
end

function Bench.buf()
  return buf
end

function Bench.send(text)
  busy = true
  local query = vim.json.encode({ type = 'query', sessionId = 'bench', prompt = text })
  vim.fn.chansend(job, query .. '\n')
end

function Bench.settled()
  return not busy
end
