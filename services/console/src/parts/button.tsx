import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icon.tsx';

type ButtonProps = Omit<JSX.IntrinsicElements['button'], 'icon'> & {
  icon?: IconName;
  /** One `primary` per view; `danger` removes something; `quiet` is for running text. */
  look?: 'primary' | 'plain' | 'danger' | 'quiet';
  children: ComponentChildren;
};

export function Button({ icon, look = 'plain', children, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={`button ${look}`}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

/** A button with only an icon; `label` is its name. */
export function IconButton({
  icon,
  label,
  ...rest
}: Omit<JSX.IntrinsicElements['button'], 'icon' | 'label'> & { icon: IconName; label: string }) {
  return (
    <button type="button" title={label} aria-label={label} {...rest} class="icon-button">
      <Icon name={icon} />
    </button>
  );
}

/** A button that opens the browser's file dialog. */
export function FileButton({ icon, look = 'plain', children, onFiles, ...input }: FileButtonProps) {
  return (
    <label class={`button ${look} file-button`}>
      <Icon name={icon} />
      <span>{children}</span>
      <input
        type="file"
        {...input}
        onChange={(event) => {
          onFiles(event.currentTarget.files);
          // Choosing the same file again must also count as a change.
          event.currentTarget.value = '';
        }}
      />
    </label>
  );
}

interface FileButtonProps {
  icon: IconName;
  look?: 'primary' | 'plain' | 'quiet';
  children: ComponentChildren;
  onFiles: (files: FileList | null) => void;
  accept?: string;
  multiple?: boolean;
  webkitdirectory?: boolean;
  capture?: 'user' | 'environment';
}
