-- Finding programs by their names. Knows PATH and the file system, runs nothing.
--
-- What is relative in PATH means the directory that one is in: Neovim's own exepath() would find a program that somebody's
-- project brings along under a well-known name. It is looked for in absolute directories only, as src/agent/locate.rs does.

local M = {}

---@param path string
---@return boolean
local function runs(path)
  return vim.fn.executable(path) == 1
end

---Where the program is; of a path itself, whether it can be run.
---@param program string a name, or a path
---@return string path or nothing: an empty one
function M.find(program)
  if program:find('/') or vim.fn.has('win32') == 1 then
    return vim.fn.exepath(program)
  end
  for _, dir in ipairs(vim.split(vim.env.PATH or '', ':', { plain = true })) do
    local path = vim.startswith(dir, '/') and vim.fs.joinpath(dir, program) or nil
    if path and runs(path) then
      return path
    end
  end
  return ''
end

---The command with its program found.
---@param command string[]
---@return string[]|nil nil: it is not there
function M.command(command)
  local path = M.find(command[1])
  if path == '' then
    return nil
  end
  return vim.list_extend({ path }, command, 2)
end

return M
