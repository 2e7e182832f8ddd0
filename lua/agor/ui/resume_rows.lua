--- Earlier sessions as lines of a list: how old, whose, what it was called, where; below it what a search has found.
---
--- Pure but for the names of directories; knows no windows.

local M = {}

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

---@param dir string
---@param other string
---@return boolean
local function same(dir, other)
  return dir == other or (vim.uv.fs_realpath(dir) or dir) == (vim.uv.fs_realpath(other) or other)
end

--- What is particular about one.
---@param row agor.EarlierRow
---@return string? words
---@return string? group
function M.state(row)
  if row.session_id and require('agor.mirror').get(row.session_id) then
    return 'open', 'AgorStatusRunning'
  elseif row.elsewhere then
    return 'in another Neovim', 'AgorQuestion'
  elseif row.interrupted then
    return 'interrupted', 'AgorWarning'
  elseif row.conversation then
    return "the agent's own", 'AgorDim'
  end
end

---@param rows agor.EarlierRow[]
---@param here string the project's directory
---@param now integer Unix milliseconds
---@return string[][][] pieces of each line
function M.pieces(rows, here, now)
  local cells = require('agor.ui.cells')
  local provider_width, age_width, state_width, ages = 0, 0, 0, {}
  for i, row in ipairs(rows) do
    ages[i] = row.updated_at > 0 and M.age((now - row.updated_at) / 1000) or ''
    state_width = math.max(state_width, cells.width(M.state(row) or ''))
    provider_width = math.max(provider_width, cells.width(row.provider))
    age_width = math.max(age_width, cells.width(ages[i]))
  end
  local places = {} ---@type table<string, string>
  local function place(dir)
    places[dir] = places[dir]
      or same(dir, here) and ''
      or cells.clean(vim.fn.fnamemodify(dir, ':~'))
    return places[dir]
  end
  local function pad(text, width)
    return text .. (' '):rep(width - cells.width(text))
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local title = vim.trim(cells.clean(row.title:gsub('%s+', ' ')))
    local pieces = {
      { pad(ages[i], age_width), 'AgorDim' },
      { pad(row.provider, provider_width), 'AgorTitle' },
    }
    local state, group = M.state(row)
    if state_width > 0 then
      table.insert(pieces, { pad(state or '', state_width), group or '' })
    end
    local none = row.session_id and '(no prompt yet)' or '(untitled)'
    table.insert(pieces, { title ~= '' and cells.shorten(title, 90) or none, '' })
    local where = place(row.cwd)
    if where ~= '' then
      table.insert(pieces, { where, 'AgorPath' })
    end
    lines[i] = pieces
  end
  return lines
end

--- The newest first; what is of one time stays as it was.
---@param rows agor.EarlierRow[]
---@return agor.EarlierRow[]
function M.sorted(rows)
  local place = {}
  for i, row in ipairs(rows) do
    place[row] = i
  end
  local out = vim.list_slice(rows)
  table.sort(out, function(a, b)
    if a.updated_at ~= b.updated_at then
      return a.updated_at > b.updated_at
    end
    return place[a] < place[b]
  end)
  return out
end

--- One line, two blanks between its pieces.
---@param pieces string[][]
---@param width? integer what is longer is cut in its last pieces, with a sign
---@return string text
---@return any[][] marks col, end_col and group
function M.line(pieces, width)
  local text, marks = ' ', {}
  for i, piece in ipairs(pieces) do
    text = text .. (i > 1 and '  ' or '')
    local part = piece[1]
    if width then
      local cells = require('agor.ui.cells')
      part = cells.shorten(part, math.max(0, width - 1 - cells.width(text)))
    end
    if piece[2] ~= '' then
      marks[#marks + 1] = { #text, #text + #part, piece[2] }
    end
    text = text .. part
  end
  return text, marks
end

--- The line below a row that says what was found, its words in a colour of their own.
---@param hit agor.Hit
---@param width integer
---@return string[][] chunks for virtual text
function M.found(hit, width)
  local cells = require('agor.ui.cells')
  -- Cleaned and cut at its end, so what stands where still does.
  local text = cells.shorten(hit.text, math.max(10, width - 6))
  local chunks, at = { { '    ', '' } }, 0
  for _, place in ipairs(hit.places) do
    local first, last = place[1], math.min(place[2], #text)
    if last > first and first >= at then
      table.insert(chunks, { text:sub(at + 1, first), 'AgorDim' })
      table.insert(chunks, { text:sub(first + 1, last), 'AgorFound' })
      at = last
    end
  end
  table.insert(chunks, { text:sub(at + 1), 'AgorDim' })
  return vim.tbl_filter(function(chunk)
    return chunk[1] ~= ''
  end, chunks)
end

return M
