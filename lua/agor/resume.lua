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

---What agents that run have told of, as rows of the list.
---@param conversations table[]
---@param row agor.Row whose agent has
---@param known table<string, true>
---@return agor.EarlierRow[]
local function told(conversations, row, known)
  local out = {}
  for _, conversation in ipairs(conversations) do
    if not known[conversation.id] then
      table.insert(out, {
        title = conversation.title,
        provider = row.provider,
        cwd = conversation.cwd ~= '' and conversation.cwd or row.cwd,
        updated_at = conversation.updated_at,
        conversation = conversation.id,
      })
    end
  end
  return out
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

---@param row agor.EarlierRow
---@param cwd string where it goes on
local function go_on(row, cwd)
  local id, failed
  if row.session_id then
    id, failed = restore(vim.tbl_extend('force', row, { cwd = cwd }) --[[@as agor.Journal]])
  else
    id, failed = require('agor').start({
      provider = row.provider,
      cwd = cwd,
      resume_session_id = row.conversation,
    })
  end
  if not id then
    message.error(failed or 'the session could not be taken up again')
  end
end

---Shows what was said, and starts nothing.
---@param row agor.EarlierRow
local function read(row)
  if row.session_id then
    return vim.cmd.tabedit(vim.fn.fnameescape('agor://' .. row.session_id))
  end
  require('agor.earlier').preview(row, '', 0, function(preview, err)
    if not preview then
      return message.error(err or 'the conversation cannot be read')
    end
    local title = row.title ~= '' and row.title or row.conversation
    local win = require('agor.ui.detail').open(title or '', preview.lines, preview.marks)
    pcall(vim.api.nvim_win_set_cursor, win, { preview.row + 1, 0 })
  end)
end

---The directory that it was held in is gone.
---@param row agor.EarlierRow
local function moved(row)
  local here = require('agor.project').root()
  local go, look = ('Resume it in %s'):format(here), 'Read it only'
  require('agor.pick').one({ go, look, 'Cancel' }, {
    prompt = ('The directory %s of this session is gone:'):format(row.cwd),
  }, function(choice)
    if choice == go then
      go_on(row, here)
    elseif choice == look then
      read(row)
    end
  end)
end

---@param row agor.EarlierRow
---@param free? boolean no other Neovim has it any more
local function take_up(row, free)
  if row.session_id and mirror.get(row.session_id) then
    return show(row.session_id)
  end
  local session_id = row.session_id
  if session_id and row.elsewhere and not free then
    return require('agor.others').offer(session_id, function()
      take_up(row, true)
    end)
  end
  local stat = vim.uv.fs_stat(row.cwd)
  if stat and stat.type == 'directory' then
    return go_on(row, row.cwd)
  end
  moved(row)
end

---Gone for good, if that is what is wanted.
---@param row agor.EarlierRow
local function delete(row)
  if not row.session_id then
    return message.info(
      ('%s keeps this conversation itself: delete it with its own program'):format(row.provider)
    )
  end
  local title = row.title ~= '' and row.title or row.session_id
  local sure = 'Delete what was said'
  require('agor.pick').one({ 'Keep it', sure }, {
    prompt = ('"%s": its transcript is gone for good:'):format(title),
  }, function(choice)
    if choice == sure then
      require('agor.tell')('delete_journal', { session_id = row.session_id }, function()
        require('agor.ui.resume').again()
      end)
    end
  end)
end

---@param row agor.EarlierRow
---@param how 'resume'|'seed'|'read'|'delete'
local function take(row, how)
  if how == 'resume' then
    take_up(row)
  elseif how == 'read' then
    read(row)
  elseif how == 'delete' then
    delete(row)
  else
    require('agor.seed').start(row)
  end
end

---@param rows agor.EarlierRow[]
---@param here string
local function select(rows, here)
  local texts = require('agor.ui.resume_rows')
  local line_of = {}
  for i, pieces in ipairs(texts.pieces(rows, here, require('agor.clock').now())) do
    line_of[rows[i]] = vim.trim(texts.line(pieces))
  end
  require('agor.pick').one(rows, {
    prompt = 'Resume:',
    kind = 'agor_session',
    format_item = function(row)
      return line_of[row]
    end,
  }, function(row)
    if row then
      take_up(row)
    end
  end)
end

---@param journals agor.Journal[] the newest first
local function newest(journals)
  for _, journal in ipairs(journals) do
    if not journal.elsewhere and not mirror.get(journal.session_id) then
      return take_up(journal --[[@as agor.EarlierRow]])
    end
  end
  for _, journal in ipairs(journals) do
    if mirror.get(journal.session_id) then
      return show(journal.session_id)
    end
  end
  message.info('all sessions of this project run in another Neovim: :Agor resume takes one over')
end

---All journals there are, however many.
---@param done fun(err: string|nil, journals: agor.Journal[])
---@param found? agor.Journal[]
local function all_journals(done, found)
  found = found or {}
  local last = found[#found]
  local params = { all = true, after = last and { last.updated_at, last.session_id } }
  ask('journals', params, function(err, list)
    vim.list_extend(found, list)
    if err or #list < 1000 then
      return done(err, found)
    end
    all_journals(done, found)
  end)
end

---@param id string
local function by_id(id)
  all_journals(function(err, journals)
    if err then
      return message.error(err)
    end
    local ids = {}
    for _, journal in ipairs(journals) do
      if journal.session_id == id then
        return take_up(journal --[[@as agor.EarlierRow]])
      end
      table.insert(ids, journal.session_id)
    end
    message.error(
      ('there is no session %s%s: :Agor! resume lists all'):format(id, near.hint(id, ids))
    )
  end)
end

---What the agent of the current session tells of its own conversations, if it does. One that is busy starting is not
---waited for longer than `patience_ms`.
---@param row agor.Row|nil
---@param done fun(conversations: table[])
local function conversations_of(row, done)
  if not (row and row.capabilities.list) then
    return done({})
  end
  local waits = true
  local function once(failed, conversations)
    if not waits then
      return
    end
    waits = false
    if failed then
      message.warn(('%s does not tell its own conversations: %s'):format(row.provider, failed))
    end
    done(conversations)
  end
  ask('conversations', { session_id = row.session_id }, once)
  vim.defer_fn(function()
    once('it has not answered', {})
  end, M.patience_ms)
end

---@param rows agor.EarlierRow[]
---@return table<string, true>
local function known(rows)
  local ids = {}
  for _, row in ipairs(rows) do
    ids[row.conversation or present(row.agent_session) or ''] = true
  end
  return ids
end

---The list in whatever `vim.ui.select` is.
---@param here string
---@param all boolean
---@param row agor.Row|nil
local function by_select(here, all, row)
  local query = { cwd = here, all = all, text = '' }
  local chosen = false
  require('agor.earlier').search(query, function(search, err)
    if err then
      return message.error(err)
    elseif not search.over and #search.rows < search.wanted or chosen then
      return
    end
    chosen = true
    search.dropped = true
    conversations_of(row, function(conversations)
      local rows = search.rows
      vim.list_extend(rows, row and told(conversations, row, known(rows)) or {})
      rows = require('agor.ui.resume_rows').sorted(rows)
      if #rows == 0 then
        local more = not all and ': :Agor! resume looks everywhere' or ''
        return message.info(('there is no earlier session of %s%s'):format(here, more))
      end
      select(rows, here)
    end)
  end)
end

---@param call agor.Call
function M.resume(call)
  local word, here = call.args, require('agor.project').root()
  if word == 'continue' then
    return ask('journals', { cwd = here, all = call.bang }, function(err, journals)
      if err then
        return message.error(err)
      elseif #journals == 0 then
        local more = not call.bang and ': :Agor! resume looks everywhere' or ''
        return message.info(('there is no earlier session of %s%s'):format(here, more))
      end
      newest(journals)
    end)
  elseif word ~= '' then
    return mirror.get(word) and show(word) or by_id(word)
  end
  require('agor.config').refresh()
  local row = mirror.current()
  if require('agor.config').get().resume.picker == 'select' then
    return by_select(here, call.bang, row)
  end
  local picker = require('agor.ui.resume')
  picker.open({ here = here, all = call.bang, take = take, extra = {} })
  conversations_of(row, function(conversations)
    picker.add(row and told(conversations, row, {}) or {})
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
