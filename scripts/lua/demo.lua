--- What `make demo` does once Neovim is up: one session of the demo agent, watched by a person or by this program.
local M = {}

local PROMPT = 'Show me what you can do.'
local LIMIT_MS = 60000

--- Starts the session and shows its pane.
---@return string? session_id
---@return string? message
function M.start()
  local id, message = require('agor').start({ provider = 'demo', prompt = PROMPT, open = true })
  if not id then
    vim.notify('The demo could not start: ' .. tostring(message), vim.log.levels.ERROR)
  end
  return id, message
end

---@param text string
local function write(text)
  io.stdout:write(text, '\n')
  io.stdout:flush()
end

---@param message string
local function fail(message)
  io.stderr:write('demo: ', message, '\n')
  vim.cmd('cquit 1')
end

--- The transcript as its window shows it.
---@param id string
---@return string
local function transcript(id)
  local buf = vim.fn.bufnr('^agor://' .. id .. '$')
  return buf < 0 and '' or table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n')
end

--- The last line of the agent's last words: when it is in the buffer, all of them are.
---@param id string
---@return string
local function last_words(id)
  local last, since = '', nil
  repeat
    local messages
    messages, since = require('agor').messages(id, { since = since })
    for _, message in ipairs(messages or {}) do
      if message.type == 'text' and not message.parent_id then
        ---@type string
        local text = message.content.text
        for line in text:gmatch('[^\n]*%S[^\n]*') do
          last = line
        end
      end
    end
  until not since
  return vim.trim(last)
end

--- Answers as a friendly user would: the first option that allows, the first answer offered.
---@param agor table
local function answer_everything(agor)
  vim.api.nvim_create_autocmd('User', {
    pattern = 'AgorPermission',
    callback = function(event)
      local data = event.data
      local choice = data.options[1]
      for _, option in ipairs(data.options) do
        if option.kind == 'allow_once' then
          choice = option
          break
        end
      end
      agor.answer(data.session_id, data.request_id, choice.option_id)
    end,
  })
  vim.api.nvim_create_autocmd('User', {
    pattern = 'AgorQuestion',
    callback = function(event)
      local answers = {}
      for _, question in ipairs(event.data.questions) do
        local first = question.options and question.options[1]
        answers[question.id] = { first and first.label or 'yes' }
      end
      agor.answer(event.data.session_id, event.data.request_id, nil, { answers = answers })
    end,
  })
end

--- Runs the session to its end, prints the transcript and leaves: 0 if the agent has finished, else 1.
function M.headless()
  vim.o.columns = 140
  vim.o.lines = 50
  local agor = require('agor')
  answer_everything(agor)
  local outcome, reason
  local started = false
  local id = M.start()
  if not id then
    return fail('nothing was started')
  end
  agor.on_status(id, function(_, status, message)
    started = started or status == 'running'
    if started and status ~= 'running' then
      outcome, reason = status, message
    end
  end)
  if not vim.wait(LIMIT_MS, function()
    return outcome ~= nil
  end, 10) then
    write(transcript(id))
    return fail('the agent did not finish within a minute')
  end
  if outcome == 'error' then
    write(transcript(id))
    return fail(reason or 'the session ended in an error')
  end
  local words = last_words(id)
  local painted = words ~= ''
    and vim.wait(10000, function()
      return transcript(id):find(words, 1, true) ~= nil
    end, 10)
  write(transcript(id))
  if words == '' then
    return fail('the agent said nothing')
  elseif not painted then
    return fail('the transcript lacks what the agent said last: ' .. words)
  end
  vim.cmd('qall!')
end

return M
