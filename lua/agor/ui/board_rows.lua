--- What the board lists and in which order: sessions of this Neovim, of others, and earlier ones, by project and worktree.
---
--- Values in, values out: draws nothing and asks nobody.

local M = {}

---@alias agor.BoardState 'needs'|'stalled'|'finished'|'failed'|'interrupted'|'working'|'idle'|'done'|'elsewhere'|'earlier'

---@class agor.BoardEntry
---@field id string
---@field row agor.Row of an earlier session: what its journal tells
---@field state agor.BoardState
---@field active integer when something happened last; Unix milliseconds
---@field since integer|nil what its time counts from; nil: no time is shown
---@field need string|nil what it needs, in words
---@field past boolean|nil it lives nowhere
---@field there agor.BoardState|nil what it is in the other Neovim

---@class agor.BoardItem one line
---@field entry agor.BoardEntry|nil
---@field project string|nil a heading
---@field worktree { name: string, branch: string, diffstat: agor.Diffstat|nil }|nil a heading below one
---@field count integer|nil
---@field text string|nil

M.SORTS = { 'activity', 'status', 'started', 'cost', 'title' }

-- By status, what wants something of the user comes first.
local RANK = {
  needs = 1,
  stalled = 2,
  finished = 3,
  failed = 4,
  interrupted = 5,
  working = 6,
  idle = 7,
  done = 8,
  elsewhere = 9,
  earlier = 10,
}

M.WORDS = {
  needs = 'needs you',
  stalled = 'stalled',
  finished = 'finished',
  failed = 'failed',
  interrupted = 'interrupted',
  working = 'working',
  idle = 'idle',
  done = 'done',
  elsewhere = 'elsewhere',
  earlier = 'earlier',
}

---@param row agor.Row
---@param unseen boolean its last turn has ended and nobody has seen that
---@return agor.BoardState
local function state_of(row, unseen)
  if (row.pending or 0) > 0 then
    return 'needs'
  elseif row.stalled then
    return 'stalled'
  elseif row.busy or row.status == 'running' then
    return 'working'
  elseif row.status == 'error' then
    return 'failed'
  elseif row.interrupted then
    return 'interrupted'
  elseif unseen then
    return 'finished'
  end
  return row.status == 'done' and 'done' or 'idle'
end

---@param row agor.Row
---@return integer
local function last_active(row)
  return math.max(row.started_at or 0, row.turn_started_at or 0, row.turn_ended_at or 0)
end

---@param row agor.Row
---@param facts { unseen: boolean, need: string|nil }
---@return agor.BoardEntry
function M.of_session(row, facts)
  local state = state_of(row, facts.unseen)
  local since = row.busy and row.turn_started_at or last_active(row)
  ---@type agor.BoardEntry
  return {
    id = row.session_id,
    row = row,
    state = state,
    active = last_active(row),
    since = since > 0 and since or nil,
    need = state == 'needs' and facts.need or nil,
  }
end

---@param row agor.Row of a session in another Neovim
---@return agor.BoardEntry
function M.of_other(row)
  local entry = M.of_session(row, { unseen = false })
  entry.state, entry.there = 'elsewhere', entry.state
  return entry
end

---@param journal agor.Journal
---@return agor.BoardEntry
function M.of_journal(journal)
  local row = setmetatable({ title = journal.title or '' }, { __index = journal })
  ---@type agor.BoardEntry
  return {
    id = journal.session_id,
    row = row --[[@as agor.Row]],
    state = journal.elsewhere and 'elsewhere' or journal.interrupted and 'interrupted' or 'earlier',
    active = journal.updated_at or 0,
    since = journal.updated_at,
    past = not journal.elsewhere,
  }
end

-- ------------------------------------------------------------------ order

---@type table<string, fun(a: agor.BoardEntry, b: agor.BoardEntry): number> below 0: a comes first
local COMPARE = {
  activity = function(a, b)
    return b.active - a.active
  end,
  status = function(a, b)
    return RANK[a.state] - RANK[b.state]
  end,
  started = function(a, b)
    return (b.row.started_at or 0) - (a.row.started_at or 0)
  end,
  cost = function(a, b)
    return (b.row.cost_usd or 0) - (a.row.cost_usd or 0)
  end,
  title = function(a, b)
    local left, right = (a.row.title or ''):lower(), (b.row.title or ''):lower()
    return left == right and 0 or left < right and -1 or 1
  end,
}

---@param entries agor.BoardEntry[]
---@param sort string
local function order(entries, sort)
  local first, then_by = COMPARE[sort] or COMPARE.activity, COMPARE.activity
  table.sort(entries, function(a, b)
    -- What is over for now stands below what is here.
    local past = (a.past and 1 or 0) - (b.past and 1 or 0)
    local by = past ~= 0 and past or first(a, b)
    if by == 0 then
      by = then_by(a, b)
    end
    if by ~= 0 then
      return by < 0
    end
    return a.id < b.id
  end)
end

---@param entry agor.BoardEntry
---@param words string[] their letters are small
---@return boolean
local function fits(entry, words)
  local row = entry.row
  local worktree = row.worktree or {}
  local text = table
    .concat({
      row.title or '',
      row.provider or '',
      row.cwd or '',
      row.project or '',
      row.model or '',
      row.place or '',
      worktree.name or '',
      worktree.branch or '',
      M.WORDS[entry.state],
      row.status or '',
    }, '\n')
    :lower()
  for _, word in ipairs(words) do
    if not text:find(word, 1, true) then
      return false
    end
  end
  return true
end

---@param path string
---@return string
local function bare(path)
  return (path:gsub('(.)/+$', '%1'))
end

---@param row agor.Row
---@return string key empty for the project's own directory
---@return { name: string, branch: string, diffstat: agor.Diffstat|nil }|nil
local function worktree_of(row)
  if row.worktree then
    return row.worktree.path or row.worktree.name, row.worktree
  end
  local project, cwd = bare(row.project or ''), bare(row.cwd or '')
  if cwd == project or project == '' or vim.startswith(cwd, project .. '/') then
    return '', nil
  end
  -- A worktree that the user has made, or the same place by another name.
  if (vim.uv.fs_realpath(cwd) or cwd) == (vim.uv.fs_realpath(project) or project) then
    return '', nil
  end
  return cwd, { name = vim.fs.basename(cwd), branch = '' }
end

---@class agor.BoardGroup
---@field key string
---@field entries agor.BoardEntry[]
---@field worktree table|nil

--- The entries in groups, each where its first entry stands in the order.
---@param entries agor.BoardEntry[]
---@param key fun(entry: agor.BoardEntry): string, table|nil
---@return agor.BoardGroup[]
local function grouped(entries, key)
  local groups, by_key = {}, {} ---@type agor.BoardGroup[], table<string, agor.BoardGroup>
  for _, entry in ipairs(entries) do
    local name, worktree = key(entry)
    local group = by_key[name]
    if not group then
      group = { key = name, entries = {}, worktree = worktree }
      by_key[name] = group
      groups[#groups + 1] = group
    end
    group.entries[#group.entries + 1] = entry
  end
  return groups
end

--- One item a line.
---@param entries agor.BoardEntry[]
---@param opts { sort: string, filter: string }
---@return agor.BoardItem[]
function M.arrange(entries, opts)
  local words = vim.split(vim.trim(opts.filter:lower()), '%s+', { trimempty = true })
  local kept = vim.tbl_filter(function(entry)
    return fits(entry, words)
  end, entries)
  order(kept, opts.sort)
  local items = {} ---@type agor.BoardItem[]
  local projects = grouped(kept, function(entry)
    local row = entry.row
    return bare(row.project and row.project ~= '' and row.project or row.cwd or '')
  end)
  for _, project in ipairs(projects) do
    items[#items + 1] = { project = project.key, count = #project.entries }
    local places = grouped(project.entries, function(entry)
      return worktree_of(entry.row)
    end)
    -- The project's own directory needs no heading of its own.
    for _, own in ipairs({ true, false }) do
      for _, place in ipairs(places) do
        if (place.key == '') == own then
          if not own then
            items[#items + 1] = { worktree = place.worktree, count = #place.entries }
          end
          for _, entry in ipairs(place.entries) do
            items[#items + 1] = { entry = entry }
          end
        end
      end
    end
  end
  return items
end

return M
