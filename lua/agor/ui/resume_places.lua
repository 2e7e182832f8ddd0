--- Where the windows of the picker of earlier sessions are: beside each other where there is room for that, else below.
---
--- Knows no windows.

--- Where the three windows are; without a preview where there is no room for one.
---@return table<'input'|'list'|'preview', vim.api.keyset.win_config>
local function places()
  local columns, free = vim.o.columns, vim.o.lines - vim.o.cmdheight - 1
  local width = math.max(20, math.min(columns - 4, 170))
  local height = math.max(6, math.min(free - 2, math.max(18, math.floor(free * 0.8))))
  local row = math.max(0, math.floor((free - height) / 2))
  local col = math.max(0, math.floor((columns - width) / 2))
  local beside, below = width >= 110, height >= 22
  local borders = require('agor.ui.borders')
  local left = beside and math.floor(width * 0.5) or width
  local bottom = not beside and below and math.floor(height * 0.45) or 0
  local base = { relative = 'editor', style = 'minimal', zindex = 58 }
  local out = {}
  out.input = vim.tbl_extend('force', base, {
    row = row,
    col = col,
    width = left - 2,
    height = 1,
    border = borders.upper(),
  })
  out.list = vim.tbl_extend('force', base, {
    row = row + 2,
    col = col,
    width = left - 2,
    height = height - bottom - 4,
    border = borders.lower(),
    focusable = true,
  })
  if beside then
    out.preview = vim.tbl_extend('force', base, {
      row = row,
      col = col + left,
      width = width - left - 2,
      height = height - 2,
      border = borders.whole(),
    })
  elseif bottom > 0 then
    out.preview = vim.tbl_extend('force', base, {
      row = row + height - bottom,
      col = col,
      width = width - 2,
      height = bottom - 2,
      border = borders.whole(),
    })
  end
  return out
end

return places
