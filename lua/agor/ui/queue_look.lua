--- What the list of prompts that wait looks like. Knows rows and cells; no windows.

local M = {}

--- Keys by their worth.
---@param row agor.Row?
---@param taken boolean something was taken out
---@param cells integer
---@return string
function M.footer(row, taken, cells)
  local steers = row and row.busy and row.capabilities.steer
  local now = not (row and row.busy) and 's send'
    or steers and 's into the turn'
    or 's interrupt and send'
  local parts = { '<CR> edit', now, 'dd take out', 'J K move', 'q close', 'g? keys' }
  if taken then
    table.insert(parts, 4, 'u back')
  end
  if row and row.held then
    table.insert(parts, 2, 'r go on')
  end
  return require('agor.ui.hints').line(parts, cells)
end

---@param entry agor.Waiting
---@return string
local function along(entry)
  local notes = {}
  if entry.lines > 1 then
    notes[1] = ('+%d line%s'):format(entry.lines - 1, entry.lines == 2 and '' or 's')
  end
  vim.list_extend(notes, entry.labels)
  if entry.edited then
    notes[#notes + 1] = 'being edited'
  end
  return table.concat(notes, '  ')
end

---@param entries agor.Waiting[]
---@param cells integer
---@return string[] lines
---@return any[] marks row, first column, end and group of each
function M.lines(entries, cells)
  local shorten, width = require('agor.ui.cells').shorten, require('agor.ui.cells').width
  local lines, marks = {}, {}
  local digits = #tostring(#entries)
  for i, entry in ipairs(entries) do
    local number = (' %' .. digits .. 'd  '):format(i)
    local note = along(entry)
    local room = cells - width(number) - 1
    note = shorten(note, math.floor(room / 2))
    local head = shorten(entry.head, room - (note == '' and 0 or width(note) + 2))
    local text = number .. head
    marks[#marks + 1] = { i - 1, 0, #number, 'AgorDim' }
    if note ~= '' then
      text = text .. '  '
      marks[#marks + 1] = { i - 1, #text, #text + #note, entry.edited and 'AgorNew' or 'AgorHint' }
      text = text .. note
    end
    lines[i] = text .. ' '
  end
  if #lines == 0 then
    lines = { ' Nothing waits any more ' }
    marks[1] = { 0, 0, #lines[1], 'AgorDim' }
  end
  return lines, marks
end

return M
