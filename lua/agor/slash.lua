-- What users type into a prompt by habit: `/model`, `/clear` and their like, where the agent does not offer them itself, and
-- `! command`. Knows which words these are and who does the work; sends no prompts.

local message = require('agor.message')

local M = {}

---@class agor.Slash
---@field name string
---@field description string
---@field run fun(row: agor.Row, args: string)
---@field values? 'models'|'modes'|'efforts' what may follow it

---@param row agor.Row
---@param args string
---@param action fun(call: agor.Call)
local function as_command(row, args, action)
  -- The prompt that it was typed in makes its session the current one; a key may have taken the cursor elsewhere.
  require('agor.mirror').touch(row.session_id)
  action({ args = args, bang = false })
end

---@param kind 'model'|'mode'|'effort'
---@return fun(row: agor.Row, args: string)
local function choice(kind)
  return function(row, args)
    as_command(row, args, require('agor.choices')[kind])
  end
end

---@param method string
---@param params table
---@param refused? fun()
local function tell(method, params, refused)
  local channel, failed = require('agor.backend').ensure()
  if channel then
    return require('agor.tell')(method, params, nil, refused)
  end
  message.error(failed or 'the backend is not running')
  if refused then
    refused()
  end
end

---What a session was started with and the next one in its place should be too.
local kept = {
  'model',
  'mode',
  'effort',
  'permission_mode',
  'system_prompt',
  'max_turns',
  'config_dir',
  'claude_config_dir',
  'extra_env',
  'additional_directories',
}

---@param row agor.Row
---@param args string its first prompt, if there is one
---@param other? table what is not to be as it was
local function begin_another(row, args, other)
  local opts = { provider = row.provider, cwd = row.cwd, prompt = args ~= '' and args or nil }
  opts.worktree_name = row.worktree and row.worktree.name or nil
  local started = require('agor.state').starts[row.session_id] or {}
  for _, key in ipairs(kept) do
    opts[key] = started[key]
  end
  require('agor.launch').start(vim.tbl_extend('force', opts, other or {}), nil)
end

---A copy of the conversation goes on in a session of its own.
---@param row agor.Row
---@param args string its first prompt, if there is one
local function fork(row, args)
  if not row.capabilities.fork then
    local text = '%s cannot copy a conversation: /new begins another one'
    return message.error(text:format(row.provider))
  elseif not row.agent_session then
    return message.error('there is no conversation to copy yet: send a prompt first')
  end
  -- As it is now, which is not as it was started.
  begin_another(row, args, {
    resume_session_id = row.agent_session,
    fork = true,
    model = row.model ~= '' and row.model or nil,
    permission_mode = row.mode ~= '' and row.mode or nil,
  })
end

---`:Agor fork [prompt]`.
---@param call agor.Call
function M.fork(call)
  local row = require('agor.mirror').need()
  if row then
    fork(row, vim.trim(call.args))
  end
end

---@param row agor.Row
local function cost(row)
  local bar = require('agor.ui.bar')
  local parts = {}
  if row.cost_usd > 0 then
    table.insert(parts, bar.cost(row.cost_usd))
  end
  if row.input_tokens + row.output_tokens > 0 then
    local text = '%s tokens in, %s out'
    table.insert(parts, text:format(bar.count(row.input_tokens), bar.count(row.output_tokens)))
  end
  if row.context_used then
    local text = ('context %s tokens'):format(bar.count(row.context_used))
    if row.context_size and row.context_size > 0 then
      text = ('%s of %s (%d %%)'):format(
        text,
        bar.count(row.context_size),
        math.floor(100 * row.context_used / row.context_size + 0.5)
      )
    end
    table.insert(parts, text)
  end
  if #parts == 0 then
    return message.info(('%s has not said yet what it has used'):format(row.provider))
  end
  message.info(('%s: %s'):format(row.provider, table.concat(parts, ', ')))
end

---@param row agor.Row
local function quit(row)
  local ok, failed = require('agor').stop(row.session_id)
  if not ok then
    message.error(failed or 'the session could not be stopped')
  end
  -- What is typed next would go into the file that the cursor comes to.
  vim.cmd.stopinsert()
  require('agor.ui.pane').close()
end

---@param row agor.Row
local function help(row)
  local rows = {}
  for _, command in ipairs(M.commands(row)) do
    table.insert(
      rows,
      { '/' .. command.name, command.ours and 'agor' or row.provider, command.description }
    )
  end
  table.insert(rows, { '! command', 'agor', 'runs it; its output goes along with the next prompt' })
  local scratch = require('agor.scratch')
  scratch.open('commands', scratch.table({ 'COMMAND', 'BY', 'WHAT IT DOES' }, rows))
end

---@type agor.Slash[]
M.ours = {
  { name = 'model', description = 'choose the model', run = choice('model'), values = 'models' },
  {
    name = 'mode',
    description = 'choose what it may do unasked',
    run = choice('mode'),
    values = 'modes',
  },
  {
    name = 'effort',
    description = 'choose how hard it thinks',
    run = choice('effort'),
    values = 'efforts',
  },
  {
    name = 'resume',
    description = 'take up an earlier session',
    run = function(row, args)
      as_command(row, args, require('agor.resume').resume)
    end,
  },
  {
    name = 'login',
    description = 'log in to the agent',
    run = function(row)
      as_command(row, '', require('agor.login').login)
    end,
  },
  {
    name = 'clear',
    description = 'begin a new conversation in this session',
    run = function(row)
      tell('clear', { session_id = row.session_id })
    end,
  },
  {
    name = 'seed',
    description = 'begin a new conversation that is given this transcript',
    run = function(row)
      tell('seed', { session_id = row.session_id })
    end,
  },
  { name = 'new', description = 'begin another session in this pane', run = begin_another },
  { name = 'fork', description = 'go on with a copy of the conversation', run = fork },
  { name = 'cost', description = 'what the session has used', run = cost },
  {
    name = 'export',
    description = 'the transcript as Markdown',
    run = function(row, args)
      as_command(row, args, require('agor.actions').export)
    end,
  },
  { name = 'help', description = 'list the commands', run = help },
  { name = 'quit', description = 'stop the session and close the pane', run = quit },
}

---@param row agor.Row
---@return table<string, true> names that the agent itself knows
local function offered(row)
  local names = {}
  for _, command in ipairs(row.capabilities.commands or {}) do
    names[(command.id:gsub('^/', ''))] = true
  end
  return names
end

---All commands of a session, the agent's first.
---@param row agor.Row
---@return { name: string, description: string, ours: boolean }[]
function M.commands(row)
  local out, theirs = {}, offered(row)
  for _, command in ipairs(row.capabilities.commands or {}) do
    local name = command.id:gsub('^/', '')
    local description = (command.description or ''):gsub('%s+', ' ')
    table.insert(out, { name = name, description = description, ours = false })
  end
  for _, command in ipairs(M.ours) do
    if not theirs[command.name] then
      table.insert(out, { name = command.name, description = command.description, ours = true })
    end
  end
  return out
end

---Ours, unless the agent has one of that name.
---@param row agor.Row
---@param name string
---@return agor.Slash|nil
function M.find(row, name)
  if offered(row)[name] then
    return nil
  end
  for _, command in ipairs(M.ours) do
    if command.name == name then
      return command
    end
  end
end

---What a draft asks of us instead of the agent.
---@param row agor.Row
---@param text string
---@param refused fun() it could not be done, and the draft is wanted back
---@return (fun())|nil
function M.of(row, text, refused)
  local shell = text:match('^!%s*(.-)%s*$')
  if shell then
    return function()
      if shell == '' then
        message.warn('! runs what follows it: ! make test')
        return refused()
      end
      tell('shell', { session_id = row.session_id, command = shell }, refused)
    end
  end
  local name, rest = text:match('^/(%a[%w_-]*)(.*)$')
  if not name or not rest or not (rest == '' or rest:match('^%s')) then
    return nil
  end
  local command = M.find(row, name)
  return command and function()
    command.run(row, vim.trim(rest))
  end
end

return M
