-- Files whose names or contents come from agents: opened only if they are files, and without a say in the editor's options.
-- Knows no sessions.

local M = {}

---@param path string
---@return boolean it is a regular file once links are followed: a pipe or a device might never end
function M.is(path)
  local stat = vim.uv.fs_stat(path)
  return stat ~= nil and stat.type == 'file'
end

---Opens exactly this name. As a line of Ex commands it would have to be escaped, which a line's end in it cannot be: what
---follows would be the next command.
---@param command 'edit'|'split'|'tabedit'
---@param path string
---@param mods table of `nvim_cmd()`
function M.edit(command, path, mods)
  vim.cmd({ cmd = command, args = { path }, magic = { file = false, bar = false }, mods = mods })
end

---Whatever is read meanwhile has no modelines.
---@param run fun()
function M.without_modelines(run)
  local own = vim.go.modeline
  vim.go.modeline = false
  local ok, err = pcall(run)
  vim.go.modeline = own
  if not ok then
    error(err, 0)
  end
end

return M
