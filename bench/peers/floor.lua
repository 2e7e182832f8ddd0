-- The smallest client that one can write in Lua: a job, vim.json.decode, and a buffer change for each chunk.
local common = dofile(vim.env.BENCH_ROOT .. '/peers/common.lua')

---@class bench.Session
---@field job integer
---@field buf integer
---@field win integer|nil
---@field ready boolean
---@field busy boolean
---@field partial string

---@type bench.Session[]
local sessions = {}

---@param session bench.Session
local function append(session, text)
  local buf = session.buf
  local last = vim.api.nvim_buf_line_count(buf) - 1
  local column = #vim.api.nvim_buf_get_lines(buf, last, last + 1, true)[1]
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buf, last, column, last, column, lines)
  if session.win then
    vim.api.nvim_win_set_cursor(session.win, { vim.api.nvim_buf_line_count(buf), 0 })
  end
end

---@param session bench.Session
local function receive(session, line)
  local message = vim.json.decode(line)
  if message.type == 'ready' then
    session.ready = true
  elseif message.type == 'agent_stopped' then
    session.busy = false
  elseif message.type == 'agent_event' then
    local event, result = message.event.event, message.event.tool_use_result
    if event and event.delta and event.delta.text then
      append(session, event.delta.text)
    elseif result then
      local lines = table.concat(result.structuredPatch[1].lines, '\n')
      append(session, ('\n* Edit %s\n```diff\n%s\n```\n'):format(result.filePath, lines))
    end
  end
end

local function start(win)
  local buf = vim.api.nvim_create_buf(false, true)
  local session = { buf = buf, win = win, ready = false, busy = false, partial = '' }
  if win then
    vim.api.nvim_win_set_buf(win, buf)
  end
  session.job = vim.fn.jobstart(common.agent, {
    on_stdout = function(_, data)
      data[1] = session.partial .. data[1]
      session.partial = table.remove(data)
      for _, line in ipairs(data) do
        receive(session, line)
      end
    end,
  })
  table.insert(sessions, session)
end

function Bench.open()
  vim.cmd('botright vsplit')
  start(vim.api.nvim_get_current_win())
end

function Bench.beside()
  start(nil)
end

function Bench.ready()
  return vim.iter(sessions):all(function(session)
    return session.ready
  end)
end

function Bench.buf()
  return sessions[1].buf
end

function Bench.send(text, number)
  local session = sessions[number + 1]
  session.busy = true
  local query = vim.json.encode({ type = 'query', sessionId = 'bench', prompt = text })
  vim.fn.chansend(session.job, query .. '\n')
end

function Bench.settled()
  return vim.iter(sessions):all(function(session)
    return not session.busy
  end)
end
