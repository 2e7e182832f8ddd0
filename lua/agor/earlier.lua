-- What was said before, asked of the backend piece by piece: sessions of ours and conversations that agents keep on disk.
-- Knows the request `earlier` of doc/wire.md; knows no windows, and nothing of how a session is taken up.

local rpc = require('agor.rpc')

local M = {}

---@class agor.Hit
---@field at integer where in the file, in bytes
---@field text string the line of text that has it
---@field places integer[][] where in that the words stand: begin and end of each, in bytes

---@class agor.EarlierRow a journal's row, or a conversation that an agent keeps
---@field session_id string|nil of ours
---@field conversation string|nil the agent's own id
---@field provider string
---@field protocol string|nil of one that its agent keeps
---@field file string|nil where that is
---@field cwd string
---@field title string
---@field updated_at integer Unix milliseconds
---@field live boolean|nil
---@field elsewhere boolean|nil
---@field interrupted boolean|nil
---@field agent_session string|nil
---@field hit agor.Hit|nil

---@class agor.EarlierQuery
---@field cwd string
---@field all boolean
---@field text string

---Agents that may keep conversations here: what of their configuration says where.
---@return table[]
local function agents()
  local out = {}
  local provider = require('agor.provider')
  for _, name in ipairs(provider.names()) do
    local conf = provider.get(name)
    -- What is elsewhere keeps them there.
    if conf and not (conf.wrap and #conf.wrap > 0) then
      local config = { protocol = conf.protocol }
      config.env = next(conf.env) and vim.deepcopy(conf.env) or nil
      config.pass_env = #conf.pass_env > 0 and vim.deepcopy(conf.pass_env) or nil
      table.insert(out, { provider = name, config = config })
    end
  end
  return out
end

---@class agor.EarlierSearch
---@field query agor.EarlierQuery
---@field rows agor.EarlierRow[] so far
---@field wanted integer so many are asked for
---@field asking boolean
---@field over boolean there are no more
---@field dropped boolean nobody wants to know any more
---@field after table|nil
---@field changed fun(search: agor.EarlierSearch, err: string|nil)

---@param search agor.EarlierSearch
local function ask(search)
  if search.dropped then
    return
  end
  local channel, failed = require('agor.backend').ensure()
  local params = {
    cwd = search.query.cwd,
    all = search.query.all,
    text = search.query.text,
    after = search.after,
    agents = agents(),
    environ = vim.fn.environ(),
  }
  search.asking = true
  local function done(err, piece)
    search.asking = false
    if search.dropped then
      return
    end
    if err or type(piece) ~= 'table' or piece.moot then
      search.over = true
      return search.changed(search, err)
    end
    vim.list_extend(search.rows, piece.rows)
    search.after = piece.after
    search.over = piece.after == nil
    if not search.over and #search.rows < search.wanted then
      ask(search)
    end
    search.changed(search)
  end
  local ok = nil ---@type true|nil
  if channel then
    ok, failed = rpc.notify('earlier', params, done)
  end
  if not ok then
    done(failed or 'the backend is not running')
  end
end

---@param query agor.EarlierQuery
---@param changed fun(search: agor.EarlierSearch, err: string|nil) whenever there are more, or none
---@return agor.EarlierSearch
function M.search(query, changed)
  local search = {
    query = query,
    rows = {},
    wanted = 100,
    asking = false,
    over = false,
    dropped = false,
    changed = changed,
  }
  -- Not before its asker has it.
  vim.schedule(function()
    ask(search)
  end)
  return search
end

---Somebody has come near the end of what there is.
---@param search agor.EarlierSearch
function M.more(search)
  search.wanted = #search.rows + 100
  if not search.asking and not search.over and not search.dropped then
    ask(search)
  end
end

---Where it is kept; nil for one that only its agent knows.
---@param row agor.EarlierRow
---@return string|nil
function M.path(row)
  if row.file or not row.session_id then
    return row.file
  end
  local data = require('agor.backend').data_dir()
  return vim.fs.joinpath(data, 'sessions', row.session_id .. '.ndjson')
end

---A glance into one.
---@param row agor.EarlierRow
---@param text string what was searched for
---@param width integer
---@param done fun(preview: { lines: string[], marks: any[], row: integer }|nil, err: string|nil)
function M.preview(row, text, width, done)
  local path = M.path(row)
  if not path then
    return done(nil, 'its agent keeps it, and shows it when it is taken up')
  end
  local params = {
    path = path,
    protocol = row.protocol,
    at = row.hit and row.hit.at,
    text = text,
    width = width,
  }
  local ok, failed = rpc.notify('preview', params, function(err, preview)
    done(not err and preview or nil, err)
  end)
  if not ok then
    done(nil, failed)
  end
end

return M
