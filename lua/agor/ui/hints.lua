--- The keys that the lower border of a float tells.

local M = {}

--- As many as fit, by their worth, the last one always; none with `keys = false`.
---@param parts string[]
---@param width integer cells of the border
---@return string
function M.line(parts, width)
  if #parts == 0 or require('agor.config').get().keys == false then
    return ''
  end
  local dot = (' %s '):format(require('agor.ui.icons').get().dot)
  local chosen = vim.list_slice(parts)
  local text = table.concat(chosen, dot)
  while #chosen > 1 and require('agor.ui.cells').width(text) + 2 > width do
    table.remove(chosen, #chosen - 1)
    text = table.concat(chosen, dot)
  end
  return (' %s '):format(text)
end

return M
