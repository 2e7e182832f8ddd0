--- Where a pane belongs and how large it is there: the configuration's shares as cells of the editor as it is now; and
--- where the middle is, for floats that lie above everything.
---
--- Knows no windows.

local M = {}

---@param value number a share of the whole, or cells
---@param whole integer
---@return integer
local function cells(value, whole)
  return math.floor(value <= 1 and value * whole or value)
end

---@param value integer
---@param low integer
---@param high integer
---@return integer
local function clamp(value, low, high)
  return math.max(low, math.min(value, high))
end

--- Where the pane opens, and its size there.
---@return string position
---@return integer width
---@return integer height
function M.sizes()
  local config = require('agor.config').get().window
  local position = config.position
  if (position == 'right' or position == 'left') and vim.o.columns < 120 then
    position = 'bottom'
  end
  local columns = vim.o.columns
  local rows = vim.o.lines - vim.o.cmdheight - 1
  local width = clamp(math.max(cells(config.width, columns), config.min_width), 1, columns - 2)
  -- A bar, a few lines of text, the rule and the prompt; half of a low terminal at most.
  local least = math.min(12, math.floor(rows / 2))
  local height = clamp(math.max(cells(config.height, rows), least), 4, math.max(4, rows - 3))
  return position, width, height
end

--- A float with a border, in the middle of what is above the command line.
---@param width integer of its text, for which the screen may have no room
---@param height integer
---@return vim.api.keyset.win_config
function M.middle(width, height)
  local columns, rows = vim.o.columns, vim.o.lines - vim.o.cmdheight - 1
  width, height = clamp(width, 1, math.max(1, columns - 4)), clamp(height, 1, math.max(1, rows - 2))
  return {
    relative = 'editor',
    row = math.max(0, math.floor((rows - height - 2) / 2)),
    col = math.max(0, math.floor((columns - width - 2) / 2)),
    width = width,
    height = height,
    border = require('agor.ui.borders').whole(),
  }
end

--- The two floats of a pane that is one.
---@param prompt_height integer
---@return vim.api.keyset.win_config transcript
---@return vim.api.keyset.win_config prompt
function M.floats(prompt_height)
  local _, width, height = M.sizes()
  local columns, rows = vim.o.columns, vim.o.lines - vim.o.cmdheight
  width = clamp(width, 1, columns - 2)
  -- Two borders, the transcript and the prompt.
  local inner = clamp(height, 4, math.max(4, rows - 4)) - prompt_height
  local total = inner + prompt_height + 3
  local row = math.max(0, math.floor((rows - total) / 2))
  local col = math.max(0, math.floor((columns - width - 2) / 2))
  local top = {
    relative = 'editor',
    row = row,
    col = col,
    width = width,
    height = math.max(1, inner),
    border = require('agor.ui.borders').upper(),
    zindex = 40,
  }
  local bottom = {
    relative = 'editor',
    row = row + math.max(1, inner) + 1,
    col = col,
    width = width,
    height = prompt_height,
    border = require('agor.ui.borders').lower(),
    zindex = 40,
  }
  return top, bottom
end

return M
