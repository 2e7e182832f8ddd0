-- `:Agor resume` and `/resume`: earlier sessions of ours, whose journals the backend lists, and the agent's own
-- conversations. Knows lists and how a session is taken up again; what is in a journal is the backend's business.

local message = require('agor.message')
local mirror = require('agor.mirror')
local near = require('agor.near')
local rpc = require('agor.rpc')

local M = {}

---How long the agent's own conversations are waited for before the list is shown without them.
M.patience_ms = 3000

---@class agor.Journal as the method `journals` of doc/wire.md tells
---@field session_id string
---@field provider string
---@field cwd string
---@field started_at integer Unix milliseconds, as is updated_at
---@field updated_at integer
---@field title string
---@field model string
---@field mode string
---@field effort string
---@field agent_session string|nil the agent's own id of the conversation
---@field live boolean
---@field elsewhere boolean another Neovim goes on with it
---@field interrupted boolean it was at work when its backend went away

---@class agor.Earlier something that can be taken up again
---@field title string
---@field provider string
---@field cwd string
---@field updated_at integer
---@field journal agor.Journal|nil
---@field conversation string|nil the agent's own id of one that is none of our sessions

---@param seconds number
---@return string
function M.age(seconds)
  local units =
    { { 86400 * 365, 'y' }, { 86400 * 30, 'mo' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'min' } }
  for _, unit in ipairs(units) do
    if seconds >= unit[1] then
      return ('%d %s ago'):format(math.floor(seconds / unit[1]), unit[2])
    end
  end
  return 'just now'
end

---@param value any
---@return any nil for what is null on the wire
local function present(value)
  if value ~= vim.NIL then
    return value
  end
end

---@param method string
---@param params table
---@param done fun(err: string|nil, list: table[])
local function ask(method, params, done)
  local channel, failed = require('agor.backend').ensure()
  local ok = nil ---@type true|nil
  if channel then
    ok, failed = rpc.notify(method, params, function(err, result)
      done(err, type(result) == 'table' and result or {})
    end)
  end
  if not ok then
    done(failed or 'the backend is not running', {})
  end
end

---@param journals agor.Journal[]
---@param conversations table[]
---@param row agor.Row|nil whose agent told the conversations
---@return agor.Earlier[] the newest first
function M.merge(journals, conversations, row)
  local out, known = {}, {} ---@type agor.Earlier[], table<string, true>
  for _, journal in ipairs(journals) do
    local agent_session = present(journal.agent_session)
    if agent_session then
      known[agent_session] = true
    end
    table.insert(out, {
      title = journal.title,
      provider = journal.provider,
      cwd = journal.cwd,
      updated_at = journal.updated_at,
      journal = journal,
    })
  end
  for _, conversation in ipairs(row and conversations or {}) do
    if row and not known[conversation.id] then
      table.insert(out, {
        title = conversation.title,
        provider = row.provider,
        cwd = conversation.cwd ~= '' and conversation.cwd or row.cwd,
        updated_at = conversation.updated_at,
        conversation = conversation.id,
      })
    end
  end
  local place = {}
  for i, one in ipairs(out) do
    place[one] = i
  end
  table.sort(out, function(a, b)
    if a.updated_at ~= b.updated_at then
      return a.updated_at > b.updated_at
    end
    return place[a] < place[b]
  end)
  return out
end

---@param dir string
---@param other string
---@return boolean
local function same(dir, other)
  return (vim.uv.fs_realpath(dir) or dir) == (vim.uv.fs_realpath(other) or other)
end

---@param list agor.Earlier[]
---@param here string the project's directory
---@param now integer Unix milliseconds
---@return string[] a line each, in columns
function M.lines(list, here, now)
  local cells = require('agor.ui.cells')
  local provider_width, age_width, ages = 0, 0, {}
  for i, one in ipairs(list) do
    ages[i] = one.updated_at > 0 and M.age((now - one.updated_at) / 1000) or ''
    provider_width = math.max(provider_width, cells.width(one.provider))
    age_width = math.max(age_width, cells.width(ages[i]))
  end
  local lines = {}
  for i, one in ipairs(list) do
    local function pad(text, width)
      return text .. (' '):rep(width - cells.width(text))
    end
    local title = cells.clean(one.title:gsub('%s+', ' '))
    local parts = {
      pad(ages[i], age_width),
      pad(one.provider, provider_width),
      cells.shorten(title ~= '' and title or '(untitled)', 60),
    }
    if not same(one.cwd, here) then
      table.insert(parts, cells.clean(vim.fn.fnamemodify(one.cwd, ':~')))
    end
    if one.journal and mirror.get(one.journal.session_id) then
      table.insert(parts, '(open)')
    elseif one.journal and one.journal.elsewhere then
      table.insert(parts, '(in another Neovim)')
    elseif one.journal and one.journal.interrupted then
      table.insert(parts, '(interrupted)')
    elseif one.conversation then
      table.insert(parts, "(the agent's own)")
    end
    lines[i] = table.concat(parts, '  ')
  end
  return lines
end

---@param id string
local function show(id)
  mirror.touch(id)
  local ok, why = require('agor.ui.pane').open(id, { focus = 'prompt' })
  if ok == false then
    message.error(why or 'the pane could not be opened')
  end
end

---Takes up a session whose journal is there, with its transcript; its agent is started by the next prompt.
---@param journal agor.Journal
---@return string|nil session_id
---@return string|nil message
local function restore(journal)
  require('agor.config').refresh()
  local params, wrong = require('agor.options').restore(journal)
  if not params then
    return nil, wrong
  end
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    return nil, failed
  end
  local id = journal.session_id
  mirror.begin(params)
  mirror.recall(id, journal)
  local function lost()
    local row = mirror.get(id)
    if row and row.provisional then
      mirror.forget(id)
      require('agor.ui.bar').refresh({ id })
    end
  end
  local sent, unsent = rpc.notify('start', params, function(err)
    if err then
      lost()
      message.error(('the session %s could not be taken up again: %s'):format(id, err))
    end
  end)
  if not sent then
    lost()
    return nil, unsent
  end
  require('agor.state').starts[id] = params
  show(id)
  return id
end

---@param one agor.Earlier
---@param free? boolean no other Neovim has it any more
local function take_up(one, free)
  local journal = one.journal
  if journal and mirror.get(journal.session_id) then
    return show(journal.session_id)
  end
  local stat = vim.uv.fs_stat(one.cwd)
  if not stat or stat.type ~= 'directory' then
    return message.error(
      ('the directory %s of this session is gone: it can be read with :edit agor://%s'):format(
        one.cwd,
        journal and journal.session_id or '...'
      )
    )
  end
  if journal and journal.elsewhere and not free then
    return require('agor.others').offer(journal.session_id, function()
      take_up(one, true)
    end)
  end
  local id, failed
  if journal then
    id, failed = restore(journal)
  else
    id, failed = require('agor').start({
      provider = one.provider,
      cwd = one.cwd,
      resume_session_id = one.conversation,
    })
  end
  if not id then
    message.error(failed or 'the session could not be taken up again')
  end
end

---@param list agor.Earlier[]
---@param here string
local function select(list, here)
  local seconds, microseconds = vim.uv.gettimeofday()
  local lines = M.lines(list, here, math.floor(seconds * 1000 + microseconds / 1000))
  local line_of = {}
  for i, one in ipairs(list) do
    line_of[one] = lines[i]
  end
  vim.ui.select(list, {
    prompt = 'Resume:',
    kind = 'agor_session',
    format_item = function(one)
      return line_of[one]
    end,
  }, function(one)
    if one then
      take_up(one)
    end
  end)
end

---@param list agor.Earlier[]
local function newest(list)
  for _, one in ipairs(list) do
    local journal = one.journal
    if not (journal and (journal.elsewhere or mirror.get(journal.session_id))) then
      return take_up(one)
    end
  end
  for _, one in ipairs(list) do
    if one.journal and mirror.get(one.journal.session_id) then
      return take_up(one)
    end
  end
  message.info('all sessions of this project run in another Neovim: :Agor resume takes one over')
end

---@param journals agor.Journal[]
---@param id string
local function by_id(journals, id)
  local ids = {}
  for _, journal in ipairs(journals) do
    if journal.session_id == id then
      return take_up(M.merge({ journal }, {})[1])
    end
    table.insert(ids, journal.session_id)
  end
  message.error(
    ('there is no session %s%s: :Agor! resume lists all'):format(id, near.hint(id, ids))
  )
end

---@param call agor.Call
function M.resume(call)
  local word = call.args
  if word ~= '' and word ~= 'continue' then
    if mirror.get(word) then
      return show(word)
    end
    return ask('journals', { cwd = require('agor.project').root(), all = true }, function(err, list)
      if err then
        return message.error(err)
      end
      by_id(list, word)
    end)
  end
  local here, row = require('agor.project').root(), mirror.current()
  local function choose(journals, conversations)
    local list = M.merge(journals, conversations, row)
    if #list == 0 then
      local all = not call.bang and ': :Agor! resume looks everywhere' or ''
      return message.info(('there is no earlier session of %s%s'):format(here, all))
    elseif word == 'continue' then
      return newest(list)
    end
    select(list, here)
  end
  ask('journals', { cwd = here, all = call.bang }, function(err, journals)
    if err then
      return message.error(err)
    end
    -- Our own sessions are what 'continue' means; and an agent that is busy starting is not waited for.
    if word == 'continue' or not (row and row.capabilities.list) then
      return choose(journals, {})
    end
    local chosen = false
    local function once(failed, conversations)
      if chosen then
        return
      end
      chosen = true
      if failed then
        message.warn(('%s does not tell its own conversations: %s'):format(row.provider, failed))
      end
      choose(journals, conversations)
    end
    ask('conversations', { session_id = row.session_id }, once)
    vim.defer_fn(function()
      once('it has not answered', {})
    end, M.patience_ms)
  end)
end

---What can be completed without asking the backend: names of journals, the newest first.
---@param words string[]
---@return string[]
function M.complete(words)
  if #words > 0 then
    return {}
  end
  local dir = vim.fs.joinpath(require('agor.backend').data_dir(), 'sessions')
  local found = {}
  for name, kind in vim.fs.dir(dir) do
    local id = kind == 'file' and name:match('^(.*)%.ndjson$')
    local stat = id and vim.uv.fs_stat(vim.fs.joinpath(dir, name))
    if id and stat then
      table.insert(found, { id, stat.mtime.sec })
    end
  end
  table.sort(found, function(a, b)
    return a[2] > b[2]
  end)
  local out = { 'continue' }
  for _, one in ipairs(found) do
    table.insert(out, one[1])
  end
  return out
end

return M
