--- The board's items as lines of text with highlights, in as many columns as there is room for.
---
--- Values in, values out. Knows cells and signs; knows no buffers and windows.

local M = {}

local cells = require('agor.ui.cells')
local rows = require('agor.ui.board_rows')

---@class agor.BoardPiece
---@field [1] string
---@field [2] string|nil group

---@class agor.BoardLine
---@field text string
---@field marks any[][] first byte, byte after the last, group
---@field time integer|nil the byte where its time begins
---@field whole boolean|nil all of what its last column says is to be seen
---@field key string of what it looks like

local GROUPS = {
  needs = 'AgorQuestion',
  stalled = 'AgorWarning',
  finished = 'AgorNew',
  failed = 'AgorStatusError',
  interrupted = 'AgorWarning',
  working = 'AgorStatusRunning',
  idle = 'AgorStatusIdle',
  done = 'AgorStatusDone',
  elsewhere = 'AgorDim',
  earlier = 'AgorDim',
}

---@param state agor.BoardState
---@return string
local function icon(state)
  local icons = require('agor.ui.icons').get()
  return ({
    needs = icons.pointer,
    stalled = icons.stalled,
    finished = icons.done,
    failed = icons.error,
    interrupted = icons.error,
    working = icons.running,
    done = icons.done,
  })[state] or icons.idle
end

--- Cells that a time takes, so that nothing moves when a second becomes a minute.
M.TIME = 6

--- How long something has taken, to the second; or, coarsely, how long ago it was.
---@param entry agor.BoardEntry
---@param now integer Unix milliseconds
---@return string
function M.time(entry, now)
  if not entry.since then
    return ''
  end
  local seconds = math.max(0, math.floor((now - entry.since) / 1000))
  if entry.row.busy then
    if seconds < 3600 then
      return require('agor.ui.bar').elapsed(seconds)
    elseif seconds < 360000 then
      return ('%dh%02dm'):format(math.floor(seconds / 3600), math.floor(seconds % 3600 / 60))
    end
  end
  for _, unit in ipairs({ { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } }) do
    if seconds >= unit[1] then
      return ('%d%s'):format(math.floor(seconds / unit[1]), unit[2])
    end
  end
  return 'now'
end

---@param diffstat agor.Diffstat|nil
---@return string
local function changes(diffstat)
  if not diffstat or diffstat.files == 0 then
    return ''
  end
  return ('+%d -%d'):format(diffstat.added, diffstat.removed)
end

--- The directory's last two names where all of it is long.
---@param path string
---@param room integer
---@return string
local function directory(path, room)
  local short = vim.fn.fnamemodify(cells.clean(path), ':~')
  return cells.width(short) <= room and short or cells.tail(short, room)
end

---@param row agor.Row
---@return string
local function model(row)
  local name = row.model or ''
  if vim.startswith(name, row.provider .. '-') then
    name = name:sub(#row.provider + 2)
  end
  return name ~= row.provider and name ~= 'default' and name or ''
end

--- What the last column says: what it needs or waits for or what went wrong, else what the agent said last.
---@param entry agor.BoardEntry
---@param now integer Unix milliseconds
---@return string text
---@return string group
local function last(entry, now)
  local row = entry.row
  if entry.need then
    return entry.need, 'AgorQuestion'
  end
  local waits, group = require('agor.ui.waits').long(row, now)
  if waits and entry.state ~= 'elsewhere' then
    return waits, group
  elseif entry.state == 'failed' then
    return row.error or '', 'AgorError'
  elseif entry.state == 'elsewhere' then
    local there = entry.there and ': ' .. rows.WORDS[entry.there] or ''
    return 'in another Neovim' .. there, 'AgorDim'
  end
  return row.last_line or '', 'AgorDim'
end

-- Beside status, time and the beginning of the title, in this order as far as there is room; a number is the least width
-- of what may be cut. The title comes twice: what it is called tells more of a session than figures.
local OPTIONAL = {
  { 'provider' },
  { 'queued' },
  { 'title' },
  { 'last', 16 },
  { 'context' },
  { 'changes' },
  { 'cost' },
  { 'model' },
  { 'place' },
}
local ORDER = {
  'title',
  'provider',
  'model',
  'place',
  'queued',
  'context',
  'cost',
  'changes',
  'last',
}
local GAP = 2
local TITLE = { least = 16, fair = 28, most = 48 }

---@param entry agor.BoardEntry
---@param now integer Unix milliseconds
---@return table<string, agor.BoardPiece>
local function columns(entry, now)
  local row, bar = entry.row, require('agor.ui.bar')
  local fill, nearly = bar.fill(row)
  local said, said_group = last(entry, now)
  local title = row.title ~= '' and row.title or '(no prompt yet)'
  -- Prompts that are held go on only when the user says so.
  local queued, waiting = row.queued or 0, row.held and '%d held' or '%d queued'
  return {
    title = { title, entry.past and 'AgorDim' or nil },
    provider = { row.provider, 'AgorTitle' },
    model = { cells.shorten(model(row), 20), 'AgorDim' },
    place = { cells.shorten(row.place or '', 20), 'AgorPath' },
    queued = {
      queued > 0 and waiting:format(queued) or '',
      row.held and 'AgorQuestion' or 'AgorDim',
    },
    context = { fill or '', nearly and 'AgorWarning' or 'AgorDim' },
    cost = { (row.cost_usd or 0) > 0 and bar.cost(row.cost_usd) or '', 'AgorDim' },
    changes = { changes(row.changes), 'AgorDim' },
    last = { said, said_group },
  }
end

---@class agor.BoardPlan
---@field widths table<string, integer> of the columns that are shown
---@field word integer

--- Which columns there is room for, and how wide they are: the same for all lines.
---@param parts table<string, agor.BoardPiece>[]
---@param word integer
---@param width integer
---@return agor.BoardPlan
local function plan(parts, word, width)
  local natural = {} ---@type table<string, integer>
  for _, part in ipairs(parts) do
    for name, piece in pairs(part) do
      natural[name] = math.max(natural[name] or 0, cells.width(piece[1]))
    end
  end
  local lead = 1 + cells.width(icon('working')) + 1 + word + 1 + M.TIME + GAP
  local room = width - lead - 1
  local title = math.min(natural.title or 0, TITLE.least)
  room = room - title
  local widths = {} ---@type table<string, integer>
  for _, option in ipairs(OPTIONAL) do
    local name, least = option[1], option[2]
    local wanted = natural[name] or 0
    local needs = least and math.min(wanted, least) or wanted
    if name == 'title' then
      local more = math.max(0, math.min(room, math.min(wanted, TITLE.fair) - title))
      title, room = title + more, room - more
    elseif needs > 0 and needs + GAP <= room then
      widths[name] = needs
      room = room - needs - GAP
    end
  end
  local more = math.min(room, math.min(natural.title or 0, TITLE.most) - title)
  widths.title, room = math.max(1, title + more), room - more
  if widths.last then
    widths.last = math.min(natural.last, widths.last + room)
  end
  return { widths = widths, word = word }
end

---@param pieces agor.BoardPiece[]
---@return agor.BoardLine
local function joined(pieces)
  local out, marks, at = {}, {}, 0
  for _, piece in ipairs(pieces) do
    out[#out + 1] = piece[1]
    if piece[2] and piece[1] ~= '' then
      marks[#marks + 1] = { at, at + #piece[1], piece[2] }
    end
    at = at + #piece[1]
  end
  local text = table.concat(out)
  local keys = { text }
  for _, mark in ipairs(marks) do
    keys[#keys + 1] = table.concat(mark, ' ')
  end
  return { text = text, marks = marks, key = table.concat(keys, '\0') }
end

---@param text string
---@param width integer
---@return string
local function padded(text, width)
  return text .. (' '):rep(width - cells.width(text))
end

---@param entry agor.BoardEntry
---@param parts table<string, agor.BoardPiece>
---@param planned agor.BoardPlan
---@param now integer
---@return agor.BoardLine
local function of_entry(entry, parts, planned, now)
  local group = GROUPS[entry.state]
  local head = ' ' .. padded(icon(entry.state), cells.width(icon('working'))) .. ' '
  local word = padded(rows.WORDS[entry.state], planned.word) .. ' '
  ---@type agor.BoardPiece[]
  local pieces =
    { { head, group }, { word, group }, { padded(M.time(entry, now), M.TIME), 'AgorDim' } }
  for _, name in ipairs(ORDER) do
    local width = planned.widths[name]
    if width then
      local text = cells.shorten(parts[name][1], width)
      pieces[#pieces + 1] = { (' '):rep(GAP) }
      pieces[#pieces + 1] = { text, parts[name][2] }
      pieces[#pieces + 1] = { (' '):rep(width - cells.width(text)) }
    end
  end
  local out = joined(pieces)
  out.time = #head + #word
  out.whole = cells.width(parts.last[1]) <= (planned.widths.last or 0)
  return out
end

---@param item agor.BoardItem
---@param width integer
---@return agor.BoardLine
local function heading(item, width)
  local icons = require('agor.ui.icons').get()
  if item.text then
    return joined({ { ' ' .. cells.shorten(item.text, width - 2), 'AgorDim' } })
  elseif item.worktree then
    local worktree = item.worktree
    local branch = worktree.branch ~= '' and ' ' .. icons.dot .. ' ' .. worktree.branch or ''
    local name = cells.shorten(' worktree ' .. worktree.name .. branch, math.max(1, width - 16))
    local diffstat = changes(worktree.diffstat)
    return joined({ { name, 'AgorPath' }, { diffstat ~= '' and '  ' .. diffstat or '', 'AgorDim' } })
  end
  local count = (' %s %d'):format(icons.dot, item.count)
  return joined({
    { ' ' },
    { directory(item.project or '', width - cells.width(count) - 2), 'AgorPath' },
    { count, 'AgorDim' },
  })
end

---@param items agor.BoardItem[]
---@param width integer cells of a line
---@param now integer Unix milliseconds
---@return agor.BoardLine[]
function M.draw(items, width, now)
  local parts, list, word = {}, {}, 0
  for i, item in ipairs(items) do
    if item.entry then
      parts[i] = columns(item.entry, now)
      for _, piece in pairs(parts[i]) do
        piece[1] = cells.clean(piece[1])
      end
      list[#list + 1] = parts[i]
      word = math.max(word, #rows.WORDS[item.entry.state])
    end
  end
  local planned = plan(list, word, width)
  local out = {}
  for i, item in ipairs(items) do
    out[i] = item.entry and of_entry(item.entry, parts[i], planned, now) or heading(item, width)
  end
  return out
end

--- What is said below the line that the cursor is on: all of what its last column says, and what has no column.
---@param entry agor.BoardEntry
---@param width integer
---@param line agor.BoardLine its own
---@param now integer Unix milliseconds
---@return { [1]: string, [2]: string }[][] chunks of virtual lines
function M.details(entry, width, line, now)
  local row, bar, icons = entry.row, require('agor.ui.bar'), require('agor.ui.icons').get()
  local said, group = last(entry, now)
  said = said:gsub('%s+', ' ')
  local facts = {}
  local function fact(text)
    if text and text ~= '' then
      facts[#facts + 1] = text
    end
  end
  fact(row.place)
  fact(directory(row.cwd or '', 50))
  fact(row.worktree and row.worktree.branch)
  fact(model(row))
  fact(row.mode ~= 'default' and row.mode or nil)
  fact(
    row.effort and row.effort ~= '' and row.effort ~= 'default' and row.effort .. ' effort' or nil
  )
  local tokens_in, tokens_out = row.input_tokens or 0, row.output_tokens or 0
  if tokens_in + tokens_out > 0 then
    local text = '%s%s %s%s'
    fact(text:format(icons.input, bar.count(tokens_in), icons.output, bar.count(tokens_out)))
  end
  if row.changes and row.changes.files > 0 then
    fact(('%d file%s'):format(row.changes.files, row.changes.files == 1 and '' or 's'))
  end
  fact(row.asks_nothing and 'asks nothing' or nil)
  fact(row.journal_failed and 'journal not written' or nil)
  fact(row.audit_failed and 'audit log not written' or nil)
  local indent = (' '):rep(4)
  local out = {}
  if said ~= '' and not line.whole then
    out[1] = { { indent .. cells.shorten(said, width - 5), group } }
  end
  local text = table.concat(facts, (' %s '):format(icons.dot))
  out[#out + 1] = { { indent .. cells.shorten(text, width - 5), 'AgorDim' } }
  return out
end

return M
